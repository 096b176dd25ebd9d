"""The HTTP application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from fastapi import FastAPI

from ingest.kb import DependencyError, KnowledgeBase, Settings, load_settings
from service import openai_api, problems, routes_ask, routes_documents, routes_evals, routes_page, routes_system
from service.conditional import Conditional
from service.described import Described
from service.guard import Guard
from service.mcp_server import KeyedApp, make_server, mcp_endpoint
from service.metrics import Metrics
from service.state import State
from service.telemetry import set_up_tracing

__all__ = ["create_app"]


def _tools(knowledge: Callable[[], KnowledgeBase]) -> Any:
    """Return the MCP server, None where the extra is not installed."""
    try:
        return make_server(knowledge)
    except DependencyError:
        return None


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: Default: those of the environment and ``wenju.toml``.
    """
    settings = settings or load_settings()
    metrics = Metrics()
    metrics.build.info({"version": routes_system.product_version()})
    set_up_tracing(settings)
    tools = _tools(lambda: app.state.wenju.kb)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state = State(settings, metrics)
        state.jobs.clear_uploads()
        app.state.wenju = state
        watcher = asyncio.create_task(state.watch())
        try:
            async with tools.session_manager.run() if tools is not None else nullcontext():
                yield
        finally:
            state.stopping.set()
            await asyncio.wait({watcher}, timeout=2)
            watcher.cancel()
            await state.close()

    app = Described(
        title="Wenju 問據",
        version=routes_system.product_version(),
        description="Ask a folder of AI reports, with evidence.",
        docs_url=None,
        redoc_url=None,
        # No form of ours has more: each part of a body costs memory, and each file of it a place on disk.
        form_limits={"max_files": 1, "max_fields": 20, "max_part_size": 1 << 18},
        lifespan=lifespan,
    )
    app.locked = bool(settings.api_keys)
    problems.install(app)
    if tools is not None:
        app.mount("/mcp", KeyedApp(mcp_endpoint(tools), lambda: app.state.wenju))
    app.include_router(routes_ask.router)
    app.include_router(openai_api.router)
    app.include_router(routes_documents.router)
    app.include_router(routes_evals.router)
    app.include_router(routes_system.router)
    app.include_router(routes_page.router)
    app.add_middleware(Conditional)
    app.add_middleware(Guard, settings=settings, metrics=metrics)
    return app
