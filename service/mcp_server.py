"""MCP: the tools ``ask``, ``search``, ``get_passage``, ``list_documents``, over streamable HTTP at ``/mcp/`` and over standard input."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.kb import DependencyError, KnowledgeBase, NotFoundError, WenjuError
from service.answering import answer_now
from service.citations import deep_link
from service.problems import problem, sentence
from service.requests import check_question
from service.searching import search as find
from service.state import shows_key

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from service.state import State

__all__ = ["KeyedApp", "make_server", "mcp_endpoint", "run_stdio"]

# What a call that is being answered gets when the service stops.
_GRACE_S = 2.0
_ABOUT = (
    "Answers questions from a library of AI reports in Traditional Chinese, Simplified Chinese and English. Every sentence of an answer is "
    "quoted from a passage that is really there; what the library does not hold is refused. Show the citations to the reader."
)


def _passage(kb: KnowledgeBase, passage_id: str) -> dict[str, Any]:
    found = kb.catalogue.passages([passage_id]).get(passage_id)
    snapshot = kb.snapshot()
    if found is None or snapshot is None or found[0].document_id not in snapshot.documents:
        raise NotFoundError(f"there is no passage {passage_id[:80]}", hint="`search` gives the ids of passages.")
    passage, text = found
    document = snapshot.documents[passage.document_id]
    return {
        "passage_id": passage.id,
        "document_id": document.id,
        "document_title": document.title,
        "file_name": document.file_name,
        "page": passage.page if document.paged else None,
        "heading": list(passage.heading),
        "language": passage.language,
        "text": text,
        "start_char_index": passage.start,
        "end_char_index": passage.end,
        "url": deep_link(document, passage.page, passage.start, passage.end),
    }


def make_server(knowledge: Callable[[], KnowledgeBase]) -> MCPServer:
    """Return the MCP server.

    Args:
        knowledge: Returns the knowledge base; called for each tool call, so that a server can be made before there is one.

    Raises:
        DependencyError: The extra ``mcp`` is not installed.
    """
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
    except ImportError as error:
        raise DependencyError("MCP needs the extra `mcp`", hint="Install it: pip install 'wenju[mcp]' or `uv sync --extra mcp`.") from error
    server = MCPServer("wenju", instructions=_ABOUT)

    @contextmanager
    def told() -> Iterator[None]:
        """Tell the model of an error of ours what it is; of every other kind the SDK says nothing, and logs a traceback."""
        try:
            yield
        except WenjuError as error:
            raise ToolError(sentence(error.message, error.hint)) from error

    @server.tool(description="Answer a question with citations, or refuse if the library does not hold the answer.")
    def ask(question: str, language: str = "auto") -> dict[str, Any]:
        spoken: Any = language if language in ("zh-Hant", "zh-Hans", "en") else None
        with told():
            return answer_now(knowledge(), check_question(question), language=spoken).as_json()

    @server.tool(description="List the passages that fit a query best, with document, page and exact character span.")
    def search(query: str, top_k: int = 8) -> dict[str, Any]:
        with told():
            return find(knowledge(), check_question(query), top_k=max(1, min(top_k, 50)))

    @server.tool(description="Return one passage by its id.")
    def get_passage(passage_id: str) -> dict[str, Any]:
        with told():
            return _passage(knowledge(), passage_id)

    @server.tool(description="List the documents of the library.")
    def list_documents(limit: int = 100) -> dict[str, Any]:
        with told():
            snapshot = knowledge().snapshot()
        documents = list(snapshot.documents.values()) if snapshot else []
        data = [
            {"id": d.id, "title": d.title, "file_name": d.file_name, "language": d.language, "date": d.date, "pages": d.page_count}
            for d in documents[: max(1, min(limit, 1_000))]
        ]
        return {"data": data, "total": len(documents)}

    return server


def mcp_endpoint(server: MCPServer) -> ASGIApp:
    """Return the server as an ASGI application; hosts and origins are checked by our own guard, the same for every route."""
    from mcp.server.transport_security import TransportSecuritySettings

    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    endpoint: ASGIApp = server.streamable_http_app(
        streamable_http_path="/", stateless_http=True, json_response=True, transport_security=security
    )
    return endpoint


class KeyedApp:
    """A mounted application behind the same key as every route.

    Args:
        app: The application.
        state: Returns the state that knows the keys.
    """

    def __init__(self, app: ASGIApp, state: Callable[[], State]) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it shows a key, or if none is asked for."""
        if scope["type"] == "http" and not shows_key(self._state(), scope):
            refusal = problem(
                401, "unauthorized", "a valid API key is needed: Authorization: Bearer KEY", headers={"WWW-Authenticate": "Bearer"}
            )
            await refusal(scope, receive, send)
            return
        await self._until_stop(scope, receive, send)

    async def _until_stop(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a stream that a client holds open (GET) ends when the service stops, and a call may still be answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = ended = False

        async def noted(message: Message) -> None:
            nonlocal begun, ended
            begun = begun or message["type"] == "http.response.start"
            ended = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)

        answer = asyncio.ensure_future(self._app(scope, receive, noted))
        halt = asyncio.ensure_future(self._state().stopping.wait())
        try:
            await asyncio.wait((answer, halt), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and scope["method"] != "GET":
                await asyncio.wait((answer,), timeout=_GRACE_S)
            if answer.done():
                await answer
                return
            answer.cancel()
            await asyncio.wait((answer,), timeout=_GRACE_S)
            if begun and not ended:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            halt.cancel()
            answer.cancel()


def run_stdio(kb: KnowledgeBase) -> int:
    """Serve MCP over standard input and output until it ends."""
    make_server(lambda: kb).run("stdio")
    return 0
