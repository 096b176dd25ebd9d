"""Asking the system under test: in this process, or over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from functools import lru_cache
from typing import Any, Protocol

from eval.cases import Case
from ingest.kb import DependencyError, KnowledgeBase, NotFoundError, Settings

__all__ = ["Asker", "HttpAsker", "LocalAsker"]

_TIMEOUT_S = 240


class Asker(Protocol):
    """The system under test."""

    def ask(self, case: Case) -> dict[str, Any]:
        """Return the answer object."""

    def search(self, case: Case) -> list[dict[str, Any]]:
        """Return the ten best passages for the question, stand-alone."""

    def page_text(self, document_id: str, page: int) -> str | None:
        """Return the text of a page, None if there is none."""

    def documents(self) -> dict[str, list[str]]:
        """Return the documents' ids by file name; names may be shared."""

    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the system's state."""


class LocalAsker:
    """Asks in this process."""

    def __init__(self, settings: Settings) -> None:
        self.kb = KnowledgeBase(settings)
        self.page_text = lru_cache(maxsize=4_000)(self._page_text)  # type: ignore[method-assign]

    def ask(self, case: Case) -> dict[str, Any]:
        """Return the answer object."""
        from service.answering import answer_now
        from service.records import Turn

        history = [Turn(turn["role"], turn["content"]) for turn in case.history]  # type: ignore[arg-type]
        return answer_now(self.kb, case.question, history=history).as_json()

    def search(self, case: Case) -> list[dict[str, Any]]:
        """Return the ten best passages."""
        from service.followup import standalone
        from service.records import Turn
        from service.searching import search

        history = [Turn(turn["role"], turn["content"]) for turn in case.history]  # type: ignore[arg-type]
        question = standalone(case.question, history, self.kb.analyser)
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
        return {
            "mode": "in process",
            "generation": snapshot.generation.name if snapshot else "",
            "corpus": sorted(document.sha256[:16] for document in snapshot.documents.values()) if snapshot else [],
            "analyser": self.kb.analyser.version,
            "embedding": self.kb.embedder.identity if self.kb.embedder else "none",
            "settings": {"retrieval": settings.retrieval.model_dump(), "answer": settings.answer.model_dump()},
        }


class HttpAsker:
    """Asks a running service."""

    def __init__(self, url: str, key: str = "") -> None:
        self._url = url.rstrip("/")
        self._key = key
        self.page_text = lru_cache(maxsize=4_000)(self._page_text)  # type: ignore[method-assign]

    def _call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
        request = urllib.request.Request(self._url + path, json.dumps(body).encode() if body is not None else None, headers)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:
                return json.loads(reply.read())
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise DependencyError(f"{self._url}{path} answers {error.code}: {error.read()[:300].decode('utf-8', 'replace')}") from error
        except (urllib.error.URLError, OSError, ValueError) as error:
            hint = "Is the service running? What was done so far is kept: run the same command again to go on."
            raise DependencyError(f"{self._url} cannot be asked: {error}", hint=hint) from error

    def ask(self, case: Case) -> dict[str, Any]:
        """Return the answer object."""
        answer: dict[str, Any] = self._call("/v1/ask", {"question": case.question, "history": list(case.history)})
        return answer

    def search(self, case: Case) -> list[dict[str, Any]]:
        """Return the ten best passages."""
        data: list[dict[str, Any]] = self._call("/v1/search", {"query": case.question, "top_k": 10})["data"]
        return data

    def _page_text(self, document_id: str, page: int) -> str | None:
        record = self._call(f"/v1/documents/{document_id}/pages/{page}")
        return record["text"] if record else None

    def page_text(self, document_id: str, page: int) -> str | None:
        """Return the text of a page."""
        return self._page_text(document_id, page)

    def documents(self) -> dict[str, list[str]]:
        """Return the documents' ids by file name; names may be shared."""
        out: dict[str, list[str]] = {}
        after = ""
        while True:
            listing = self._call(f"/v1/documents?limit=500{after}")
            for item in listing["data"]:
                out.setdefault(item["file_name"], []).append(item["id"])
            if not listing["has_more"]:
                return out
            after = f"&after={listing['data'][-1]['id']}"

    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the system's state."""
        listing = self._call("/v1/documents?limit=1")
        return {"mode": "http", **self._call("/version"), "generation": listing["generation"]}
