"""The HTTP application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from ingest.kb import Settings, load_settings
from service import problems, routes_ask, routes_documents, routes_page, routes_system
from service.guard import Guard
from service.metrics import Metrics
from service.state import State

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: Default: those of the environment and ``wenju.toml``.
    """
    settings = settings or load_settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state = State(settings, metrics)
        app.state.wenju = state
        watcher = asyncio.create_task(state.watch())
        try:
            yield
        finally:
            state.stopping.set()
            await asyncio.wait({watcher}, timeout=2)
            watcher.cancel()
            await state.close()

    app = FastAPI(
        title="Wenju 問據",
        version=routes_system.product_version(),
        description="Ask a folder of AI reports, with evidence.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    problems.install(app)
    app.include_router(routes_ask.router)
    app.include_router(routes_documents.router)
    app.include_router(routes_system.router)
    app.include_router(routes_page.router)
    app.add_middleware(Guard, settings=settings, metrics=metrics)
    return app
