"""What the routes share: the knowledge base, the jobs, the metrics, and the threads that block."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Annotated, Any, ParamSpec, TypeVar

from fastapi import Request, Security
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.types import Scope

from ingest.kb import KnowledgeBase, Settings, Snapshot, WenjuError
from ingest.kb.damage import damage_of
from service.jobs import Jobs
from service.judge import make_judge
from service.llm import Breaker, Model, make_model
from service.metrics import Metrics
from service.suggest import Suggestions

__all__ = ["KEY_NEEDED", "State", "require_key", "shows_key", "state_of"]

_log = logging.getLogger("wenju.service")
KEY_NEEDED = "a valid API key is needed: Authorization: Bearer KEY"
_THREADS = 4
_REMEMBERED = 500
# What is still damaged after it was built again is not built a third time at once.
_MEND_EVERY_S = 600.0
P = ParamSpec("P")
T = TypeVar("T")


class State:
    """One application's shared parts; made at start, closed at stop.

    Args:
        settings: Of the application.
        metrics: To count in.
        create: Make an empty knowledge base where there is none, instead of failing.
    """

    def __init__(self, settings: Settings, metrics: Metrics, *, create: bool = True) -> None:
        self.settings = settings
        self.metrics = metrics
        self.kb = KnowledgeBase(settings, create=create)
        self.suggestions = Suggestions(self.kb)
        self.jobs = Jobs(settings, metrics)
        self.stopping = asyncio.Event()
        # The last answers, so that a vote can say what it was on.
        self.breaker = Breaker()
        self.model: Model | None = make_model(settings, self.breaker)
        if self.model is not None:
            # A judge that cannot be imported must be known at start, not at the first question.
            make_judge(self.model)
        self.recent: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._keys = [hashlib.sha256(key.get_secret_value().encode()).digest() for key in settings.api_keys]
        self._mended = -_MEND_EVERY_S
        # Answering is computation: more threads than this only wait for each other, and the event loop must stay free.
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="wenju")

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **kwargs))

    def snapshot(self) -> Snapshot | None:
        """Return the live generation and note its size."""
        snapshot = self.kb.snapshot()
        self.metrics.documents.set(len(snapshot.documents) if snapshot else 0)
        self.metrics.passages.set(snapshot.passages if snapshot else 0)
        self.metrics.generation.set(snapshot.generation.number if snapshot else 0)
        return snapshot

    def note_question(self, text: str) -> None:
        """Write a question into the log, if the operator wants that."""
        if self.settings.service.log_content:
            _log.info("asked", extra={"facts": {"question": text}})

    def key_fits(self, presented: bytes) -> bool:
        """Return whether a key is one of ours; compared by digest, in constant time."""
        digest = hashlib.sha256(presented).digest()
        return any(hmac.compare_digest(digest, key) for key in self._keys)

    def remember(self, answer: Mapping[str, Any]) -> None:
        """Keep what a vote on an answer object would need."""
        self.recent[answer["id"]] = {
            **{name: answer[name] for name in ("question", "standalone_question", "language", "status", "answer")},
            "evidence": [{"document": c["file_name"], "page": c["page"] or 1, "quote": c["cited_text"]} for c in answer["citations"]],
        }
        while len(self.recent) > _REMEMBERED:
            self.recent.popitem(last=False)

    @property
    def locked(self) -> bool:
        """Whether a key is asked for."""
        return bool(self._keys)

    async def watch(self) -> None:
        """Open Chroma for each new generation in the background, and have what is damaged built again, until the service stops."""
        seen = ""
        if self.model is not None:
            # LlamaIndex takes seconds to import: not while the first reader waits.
            await self.in_thread(import_module, "llama_index.core.llms")
            await self.in_thread(import_module, "llama_index.llms.openai_like")
        while not self.stopping.is_set():
            try:
                snapshot = await self.in_thread(self.snapshot)
                name = snapshot.generation.name if snapshot is not None else "none"
                if name != seen or await self.in_thread(self.kb.stores_to_retry):
                    seen = name
                    faults = await self.in_thread(self.kb.open_stores)
                    for fault in faults:
                        _log.warning("vector store: %s", fault)
                    # A server that is down is no damage.
                    ours = "" if self.kb.server is not None else "; ".join(faults)
                    self._mend(ours or await self.in_thread(damage_of, self.kb.layout, self.kb.catalogue))
            except WenjuError as error:
                seen = ""
                _log.error("%s: %s", error.code, error.message)
                self._mend(await self.in_thread(damage_of, self.kb.layout, self.kb.catalogue))
            except Exception:
                _log.exception("watching the generations failed")
            try:
                await asyncio.wait_for(self.stopping.wait(), 1.0)
            except TimeoutError:
                continue

    def _mend(self, damage: str) -> None:
        """Have a damaged index built again from the catalogue, if this service may write and did not just try."""
        if not damage or self.settings.service.read_only or time.monotonic() - self._mended < _MEND_EVERY_S:
            return
        self._mended = time.monotonic()
        _log.warning("the index is damaged and is built again: %s", damage)
        self.jobs.rebuild()

    async def close(self) -> None:
        """Stop the jobs and release the knowledge base."""
        await self.jobs.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.kb.close()


def state_of(request: Request) -> State:
    """Return the state of the application that a request came to."""
    state: State = request.app.state.wenju
    return state


def shows_key(state: State, scope: Scope) -> bool:
    """Return whether a request shows one of our keys, or none is asked for."""
    if not state.locked:
        return True
    header = next((value for name, value in scope["headers"] if name.lower() == b"authorization"), b"")
    scheme, _, token = header.partition(b" ")
    return scheme.lower() == b"bearer" and bool(token.strip()) and state.key_fits(token.strip())


_SCHEME = HTTPBearer(auto_error=False, scheme_name="key", description="One of WENJU_API_KEYS.")


async def require_key(request: Request, _shown: Annotated[Any, Security(_SCHEME)] = None) -> None:
    """Let a request pass if it shows a key, or if none is asked for. The one check of every protected route."""
    if not shows_key(state_of(request), request.scope):
        raise HTTPException(401, KEY_NEEDED, {"WWW-Authenticate": "Bearer"})
