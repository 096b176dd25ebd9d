"""A line of ``wenju doctor``, and the lines on what lies outside of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from ingest.kb.settings import Settings

__all__ = ["Check", "State", "chroma_server_checks", "llm_checks"]

State = Literal["ok", "warn", "fail"]
_LLM_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    state: State
    message: str
    hint: str = ""


def llm_checks(settings: Settings) -> Iterator[Check]:
    """Ask the language model's endpoint what it has; it is a part that may be missing, so that nothing here is a failure."""
    if not settings.llm.base_url:
        yield Check("llm", "ok", "none configured: answers are extractive")
        return
    import httpx

    host = urlsplit(settings.llm.base_url).hostname or "its address"
    key = settings.llm.api_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    hint = "Check llm.base_url and its server. Until then answers are extractive."
    try:
        answer = httpx.get(f"{settings.llm.base_url.rstrip('/')}/models", headers=headers, timeout=_LLM_TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        # The type alone: a message may hold the address with a password in it.
        yield Check("llm", "warn", f"{host} cannot be reached ({type(error).__name__})", hint)
        return
    if answer.status_code in (401, 403):
        yield Check("llm", "warn", f"{host} refuses the key ({answer.status_code})", "Check WENJU_LLM__API_KEY.")
    elif answer.status_code >= 500:
        yield Check("llm", "warn", f"{host} answers {answer.status_code}", hint)
    else:
        yield Check("llm", "ok", f"{host} answers; the model is {settings.llm.model or '(not named)'}")


def chroma_server_checks(settings: Settings) -> Iterator[Check]:
    """Ask the Chroma server, if one is named, whether it lives."""
    if not settings.vector.url:
        return
    from ingest.kb.chroma_server import ChromaServer

    host = urlsplit(settings.vector.url).hostname
    if ChromaServer(settings.vector).answers():
        yield Check("chroma_server", "ok", f"{host} answers")
    else:
        yield Check("chroma_server", "warn", f"{host} gives no answer", "Check vector.url and its server. Until then answers are exact.")
