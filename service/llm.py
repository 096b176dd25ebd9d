"""The language model: any OpenAI-compatible endpoint or any LlamaIndex ``LLM``, with deadlines, one kind of error and a circuit breaker."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import httpx

from ingest.kb import DependencyError, Settings, SettingsError
from ingest.kb.circuit import Breaker
from service.telemetry import Facts, begin

__all__ = ["Breaker", "LlmError", "Message", "Model", "make_model"]

_RETRIES = 2
_RETRY_CAP_S = 20.0
_MAX_CHUNK = 200_000


class LlmError(DependencyError):
    """The language model failed; ``code`` says how."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, hint="The answer is made from the sources' own sentences instead.")
        self.code = code


@dataclass(frozen=True, slots=True)
class Message:
    """One message to the model."""

    role: Literal["system", "user", "assistant"]
    content: str


def _classify(error: BaseException) -> LlmError:
    """Return the one kind of error for whatever a client library raises; never with the endpoint's text, which may hold secrets."""
    status = getattr(error, "status_code", None)
    name = type(error).__name__
    if isinstance(error, LlmError):
        return error
    if isinstance(error, (TimeoutError, httpx.TimeoutException)) or "Timeout" in name:
        return LlmError("llm_timeout", "the language model did not answer in time")
    if status == 401 or status == 403:
        return LlmError("llm_unauthorized", "the language model's endpoint refuses the key (WENJU_LLM__API_KEY)")
    if status == 404:
        return LlmError("llm_no_model", "the language model's endpoint does not know the model (WENJU_LLM__MODEL)")
    if status == 429:
        return LlmError("llm_rate_limited", "the language model's endpoint is busy")
    if isinstance(status, int):
        return LlmError("llm_failed", f"the language model's endpoint answered {status}")
    if isinstance(error, (httpx.TransportError, OSError)) or "Connection" in name:
        return LlmError("llm_unreachable", "the language model's endpoint cannot be reached (WENJU_LLM__BASE_URL)")
    return LlmError("llm_garbage", f"the language model's endpoint answered something else than a completion ({name})")


def _finish_reason(item: Any) -> str:
    """Return why a completion ended, empty while it goes on."""
    choices = getattr(getattr(item, "raw", None), "choices", None) or ()
    return next((str(choice.finish_reason) for choice in choices if getattr(choice, "finish_reason", None)), "")


def _retry_after(error: BaseException) -> float | None:
    """Return the seconds to wait before another try, None if there is to be none."""
    status = getattr(error, "status_code", None)
    if status not in (429, 502, 503):
        return None
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        wait = float(headers.get("retry-after", "nan"))
    except ValueError:
        wait = float("nan")
    if wait != wait:
        wait = 0.5 + random.random()
    return wait if wait <= _RETRY_CAP_S else None


class Model:
    """A configured language model.

    Args:
        settings: With ``llm.model`` set.
        breaker: Shared by all calls of one service.
    """

    def __init__(self, settings: Settings, breaker: Breaker) -> None:
        self.settings = settings.llm
        self.breaker = breaker
        self.name = settings.llm.model
        self._tls: ssl.SSLContext | None = None

    def _make(self) -> tuple[Any, httpx.AsyncClient | None]:
        """Return a LlamaIndex LLM of this call's own, and the client to close with it."""
        options = dict(self.settings.options)
        if ":" in self.settings.provider:
            module, _, name = self.settings.provider.partition(":")
            try:
                kind = getattr(import_module(module), name)
            except (ImportError, AttributeError) as error:
                raise SettingsError(
                    f"llm.provider names {self.settings.provider}, which cannot be imported", hint="Write module:Class."
                ) from error
            return kind(**({"model": self.settings.model} | options)), None
        from llama_index.llms.openai_like import OpenAILike

        limits = httpx.Timeout(
            connect=self.settings.connect_timeout_s,
            read=max(self.settings.first_token_timeout_s, self.settings.idle_timeout_s),
            write=self.settings.connect_timeout_s,
            pool=self.settings.connect_timeout_s,
        )
        if self._tls is None:
            # Reading the certificates takes 20 ms of processor time, so one context serves all calls.
            self._tls = httpx.create_ssl_context(trust_env=False)
        client = httpx.AsyncClient(timeout=limits, follow_redirects=False, trust_env=False, verify=self._tls)
        model = OpenAILike(
            model=self.settings.model,
            api_base=self.settings.base_url,
            api_key=self.settings.api_key.get_secret_value() or "none",
            is_chat_model=True,
            context_window=self.settings.context_tokens + self.settings.max_tokens,
            temperature=self.settings.temperature,
            max_tokens=self.settings.max_tokens,
            max_retries=0,
            timeout=self.settings.total_timeout_s,
            async_http_client=client,
            **options,
        )
        return model, client

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str]:
        """Yield the completion's text as it comes.

        Raises:
            LlmError: The circuit is open, or the endpoint failed, stalled, answered garbage or nothing.
        """
        if not self.breaker.allow():
            raise LlmError("llm_unavailable", "the language model failed several times and is left alone for some seconds")
        deadline = time.monotonic() + self.settings.total_timeout_s
        settled = False
        facts: Facts = {"gen_ai.operation.name": "chat", "gen_ai.request.model": self.name, "gen_ai.request.stream": True}
        made, began, pieces_seen = begin(f"chat {self.name}", facts), time.monotonic(), 0
        try:
            async with contextlib.aclosing(self._attempts(messages, deadline)) as pieces:
                async for piece in pieces:
                    if not pieces_seen:
                        made.note({"gen_ai.response.time_to_first_chunk": round(time.monotonic() - began, 3)})
                    pieces_seen += 1
                    yield piece
            self.breaker.succeeded()
            settled = True
        except (GeneratorExit, asyncio.CancelledError):
            raise
        except Exception as error:
            fault = _classify(error)
            # An answer cut off at our own limit is no failure of the endpoint.
            (self.breaker.succeeded if fault.code == "llm_length" else self.breaker.failed)()
            settled = True
            made.note({"error.type": fault.code})
            raise fault from None
        finally:
            made.end()
            if not settled:
                self.breaker.abandoned()

    async def _attempts(self, messages: Sequence[Message], deadline: float) -> AsyncGenerator[str]:
        for attempt in range(_RETRIES + 1):
            begun = False
            try:
                async with contextlib.aclosing(self._once(messages, deadline)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
                if not begun:
                    raise LlmError("llm_empty", "the language model answered nothing")
                return
            except Exception as error:
                wait = _retry_after(error)
                if begun or wait is None or attempt == _RETRIES or time.monotonic() + wait > deadline:
                    raise
                await asyncio.sleep(wait)

    async def _once(self, messages: Sequence[Message], deadline: float) -> AsyncGenerator[str]:
        # Imports and TLS contexts take long enough to hold up every other stream.
        model, client = await asyncio.to_thread(self._make)
        from llama_index.core.llms import ChatMessage

        source: Any = None
        reason, spoken = "", False
        try:
            chat = [ChatMessage(role=message.role, content=message.content) for message in messages]
            first = min(self.settings.first_token_timeout_s, deadline - time.monotonic())
            async with asyncio.timeout(first):
                source = await model.astream_chat(chat)
                item = await anext(source, None)
            while item is not None:
                delta = item.delta or ""
                reason = _finish_reason(item) or reason
                if len(delta) > _MAX_CHUNK:
                    raise LlmError("llm_garbage", "the language model sent a piece that is too long")
                if delta:
                    spoken = True
                    yield delta
                # Time that our reader takes is not the model's: the clock runs only while we wait for it.
                async with asyncio.timeout(max(0.01, min(self.settings.idle_timeout_s, deadline - time.monotonic()))):
                    item = await anext(source, None)
            if reason == "length":
                raise LlmError("llm_length", "the language model reached its limit of tokens (WENJU_LLM__MAX_TOKENS)")
            if client is not None and spoken and not reason:
                # The line was dropped: what came last may be half a sentence that says something else than the whole.
                raise LlmError("llm_cut", "the language model's endpoint broke off")
        finally:
            if source is not None and hasattr(source, "aclose"):
                with contextlib.suppress(Exception):
                    await source.aclose()
            if client is not None:
                # Closing the client drops the connection: the endpoint stops working for a reader who has left.
                await client.aclose()

    async def complete(self, messages: Sequence[Message]) -> str:
        """Return a whole completion.

        Raises:
            LlmError: As for ``stream``.
        """
        return "".join([piece async for piece in self.stream(messages)])


def make_model(settings: Settings, breaker: Breaker) -> Model | None:
    """Return the configured model, None if there is none.

    Raises:
        SettingsError: A model is named but no endpoint.
    """
    if not settings.llm.model:
        return None
    if ":" not in settings.llm.provider and not settings.llm.base_url:
        raise SettingsError(
            "llm.model is set but llm.base_url is not", hint="Set WENJU_LLM__BASE_URL, for example http://127.0.0.1:11434/v1."
        )
    return Model(settings, breaker)
