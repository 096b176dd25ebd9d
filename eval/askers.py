"""Asking the system under test: in this process, or over HTTP."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from eval.cases import Case, SetError
from ingest.kb import DependencyError, KnowledgeBase, NotFoundError, Settings, SettingsError

if TYPE_CHECKING:
    from service.records import Turn
    from service.state import State

__all__ = ["Asker", "HttpAsker", "LocalAsker", "StateAsker"]

_TIMEOUT_S = 240
# A service that limits its callers' rate says when to come back; a run is patient, but not for ever.
_MOST_WAITS = 60
_LONGEST_WAIT_S = 30.0


def _counting(state: State) -> State:
    """Return a state whose language model counts what it reads and writes; all else is shared."""
    if state.model is None:
        return state
    from eval.usage import CountingModel

    twin = copy.copy(state)
    twin.model = CountingModel(state.settings, state.breaker)
    return twin


class Asker(Protocol):
    """The system under test."""

    def ask(self, case: Case) -> dict[str, Any]:
        """Return the answer object.

        Raises:
            DependencyError: The system is not there: the run stops.
            WenjuError: It cannot answer this question: the question counts as failed.
        """

    def search(self, question: str) -> list[dict[str, Any]]:
        """Return the ten best passages for a question that stands alone."""

    def page_text(self, document_id: str, page: int) -> str | None:
        """Return the text of a page, None if there is none."""

    def documents(self) -> dict[str, list[str]]:
        """Return the documents' ids by file name; names may be shared."""

    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the system's state."""


def _corpus_hash(digests: Iterable[str]) -> str:
    """Return one digest for a corpus, whatever the order of its files."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()[:16]


class LocalAsker:
    """Asks in this process; with the configured language model if there is one."""

    def __init__(self, settings: Settings) -> None:
        self._state: State | None = None
        if settings.llm.model:
            from service.metrics import Metrics
            from service.state import State

            self._state = _counting(State(settings, Metrics()))
            self.kb = self._state.kb
        else:
            self.kb = KnowledgeBase(settings)
        self.page_text = lru_cache(maxsize=4_000)(self._page_text)  # type: ignore[method-assign]

    def ask(self, case: Case) -> dict[str, Any]:
        """Return the answer object."""
        from service.answering import answer_now
        from service.records import Turn
        from service.requests import check_question

        question = check_question(case.question)
        history = [Turn(turn["role"], turn["content"]) for turn in case.history]  # type: ignore[arg-type]
        if self._state is not None and self._state.model is not None:
            return asyncio.run(self._generated(self._state, question, history))
        return answer_now(self.kb, question, history=history).as_json()

    async def _generated(self, state: State, question: str, history: Sequence[Turn]) -> dict[str, Any]:
        from eval.usage import counted
        from service.answering import answer_question

        usage = counted()
        answer = await answer_question(state, question, history=history)
        return answer | ({"usage": usage} if usage["calls"] else {})

    def search(self, question: str) -> list[dict[str, Any]]:
        """Return the ten best passages."""
        from service.searching import search

        data: list[dict[str, Any]] = search(self.kb, question, top_k=10)["data"]
        return data

    def _page_text(self, document_id: str, page: int) -> str | None:
        try:
            return self.kb.catalogue.page(document_id, page).text
        except NotFoundError:
            return None

    def page_text(self, document_id: str, page: int) -> str | None:
        """Return the text of a page."""
        return self._page_text(document_id, page)

    def documents(self) -> dict[str, list[str]]:
        """Return the documents' ids by file name; names may be shared."""
        snapshot = self.kb.snapshot()
        out: dict[str, list[str]] = {}
        for document in snapshot.documents.values() if snapshot else ():
            out.setdefault(document.file_name, []).append(document.id)
        return out

    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the system's state."""
        snapshot = self.kb.snapshot()
        settings = self.kb.settings
        analyser, _, lexicon = self.kb.analyser.version.partition("/")
        model = {name: getattr(settings.llm, name) for name in ("model", "temperature", "max_tokens", "context_tokens", "translate")}
        return {
            "mode": "in process",
            "generation": snapshot.generation.name if snapshot else "",
            "documents": len(snapshot.documents) if snapshot else 0,
            "corpus": _corpus_hash(document.sha256 for document in snapshot.documents.values()) if snapshot else "",
            "analyser": analyser,
            "lexicon": lexicon,
            "embedding": self.kb.embedder.identity if self.kb.embedder else "none",
            "model": settings.llm.model or "extractive",
            "settings": {"retrieval": settings.retrieval.model_dump(), "answer": settings.answer.model_dump()}
            | ({"llm": model} if settings.llm.model else {}),
        }


class StateAsker(LocalAsker):
    """Asks the knowledge base and the language model of a running service: a second one would take its memory twice."""

    def __init__(self, state: State) -> None:
        self._state = _counting(state)
        self.kb = state.kb


class HttpAsker:
    """Asks a running service.

    Args:
        url: Its address.
        key: Its API key, if it wants one.
    """

    def __init__(self, url: str, key: str = "", *, transport: httpx.BaseTransport | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise SettingsError(f"--url {url} is no address", hint="Write it like http://127.0.0.1:8000.")
        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(headers=headers, timeout=_TIMEOUT_S, transport=transport, trust_env=False)
        self.page_text = lru_cache(maxsize=4_000)(self._page_text)  # type: ignore[method-assign]

    def _call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        for _ in range(_MOST_WAITS):
            try:
                reply = self._client.request("GET" if body is None else "POST", self._url + path, json=body)
                if reply.status_code != 429:
                    return self._read(path, reply)
            except (httpx.HTTPError, ValueError) as error:
                raise DependencyError(f"{self._url} cannot be asked: {error}", hint="Is the service running?") from error
            try:
                wait = float(reply.headers.get("retry-after", "1"))
            except ValueError:
                wait = 1.0
            time.sleep(min(max(wait, 0.1), _LONGEST_WAIT_S))
        raise DependencyError(f"{self._url} turned {path} away {_MOST_WAITS} times", hint="Raise WENJU_SERVICE__RATE_PER_MINUTE there.")

    def _read(self, path: str, reply: httpx.Response) -> Any:
        status = reply.status_code
        if status < 400:
            return reply.json()
        if status == 404:
            return None
        told = f"{self._url}{path} answers {status}: {reply.text[:300]}"
        if status in (401, 403):
            raise SettingsError(told, hint="Give the service's key in WENJU_API_KEYS.")
        if status in (502, 503, 504):
            raise DependencyError(told, hint="Is the service running?")
        raise SetError(told, hint="The question counts as failed.")

    def ask(self, case: Case) -> dict[str, Any]:
        """Return the answer object."""
        answer = self._call("/v1/ask", {"question": case.question, "history": list(case.history)})
        if not isinstance(answer, dict) or "status" not in answer:
            raise DependencyError(f"{self._url} is no Wenju service", hint="Check --url.")
        return answer

    def search(self, question: str) -> list[dict[str, Any]]:
        """Return the ten best passages."""
        data: list[dict[str, Any]] = self._call("/v1/search", {"query": question, "top_k": 10})["data"]
        return data

    def _page_text(self, document_id: str, page: int) -> str | None:
        record = self._call(f"/v1/documents/{document_id}/pages/{page}")
        return record["text"] if record else None

    def page_text(self, document_id: str, page: int) -> str | None:
        """Return the text of a page."""
        return self._page_text(document_id, page)

    def _listed(self) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        after = ""
        while True:
            listing = self._call(f"/v1/documents?limit=500{after}")
            if not isinstance(listing, dict) or "data" not in listing:
                raise DependencyError(f"{self._url} is no Wenju service", hint="Check --url.")
            out += listing["data"]
            if not listing["has_more"]:
                return out
            after = f"&after={listing['data'][-1]['id']}"

    def documents(self) -> dict[str, list[str]]:
        """Return the documents' ids by file name; names may be shared."""
        out: dict[str, list[str]] = {}
        for item in self._listed():
            out.setdefault(item["file_name"], []).append(item["id"])
        return out

    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the system's state."""
        listed = self._listed()
        version = dict(self._call("/version") or {})
        analyser, _, lexicon = str(version.pop("analyser", "")).partition("/")
        generation = self._call("/v1/documents?limit=1")["generation"]
        told = {name: version[name] for name in ("version", "embedding", "model") if name in version}
        corpus = {"documents": len(listed), "corpus": _corpus_hash(str(item.get("sha256", item["id"])) for item in listed)}
        return {"mode": "http", "generation": generation, **corpus, "analyser": analyser, "lexicon": lexicon, **told}
