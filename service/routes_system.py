"""Liveness, readiness, version, metrics, the API's documentation."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from ingest.kb import WenjuError
from service import hooks
from service.described import gives
from service.shapes import Life, Readiness, Version
from service.state import require_key, state_of

__all__ = ["product_version", "router"]

router = APIRouter(tags=["system"])
_SWAGGER = ("swagger-ui.css", "swagger-ui-bundle.js")
_DOCS = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Wenju API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"></head><body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/init.js"></script></body></html>"""
_INIT = 'window.ui = SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true});'


def product_version() -> str:
    """Return the installed version."""
    try:
        return version("wenju")
    except PackageNotFoundError:
        return "0.0.0"


@router.get("/healthz", response_model=None, responses=gives(Life))
async def healthz() -> Response:
    """Say that the process lives."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", response_model=None, responses=gives(Readiness) | gives(Readiness, 503))
async def readyz(request: Request) -> Response:
    """Say how each part is: ``ok``, ``degraded`` or ``down``; 503 only if questions cannot be answered.

    What is not configured, vectors or a language model, is no part.
    """
    state = state_of(request)
    parts: dict[str, Any] = {"catalogue": "ok", "lexical": "ok"}
    parts |= {"vector": "ok"} if state.kb.embedder is not None else {}
    parts |= {"llm": state.breaker.state} if state.settings.llm.model else {}
    documents, generation, detail = 0, "", ""
    try:
        snapshot = await state.in_thread(state.snapshot)
        if snapshot is None:
            parts |= dict.fromkeys(parts.keys() & {"lexical", "vector"}, "degraded")
            detail = "nothing is ingested yet"
        else:
            documents, generation = len(snapshot.documents), snapshot.generation.name
            torn = any("not opened" not in fault for fault in snapshot.store_faults) or not snapshot.has_vectors
            if "vector" in parts and torn:
                parts["vector"] = "degraded"
    except WenjuError as error:
        parts |= {"lexical": "down"}
        detail = f"{error.message} {error.hint}"
    down = "down" in (parts["catalogue"], parts["lexical"])
    status = "down" if down else "degraded" if "degraded" in parts.values() else "ok"
    body = {
        "status": status,
        "parts": parts,
        "documents": documents,
        "generation": generation,
        "detail": detail,
        "model": state.settings.llm.model or "extractive",
    }
    return JSONResponse(body, 503 if down else 200, {"Retry-After": "5"} if down else None)


@router.get("/version", response_model=None, responses=gives(Version))
async def version_route(request: Request) -> Response:
    """Return what is running."""
    state = state_of(request)
    record = {
        "name": "wenju",
        "version": product_version(),
        "python": platform.python_version(),
        "analyser": state.kb.analyser.version,
        "embedding": state.kb.embedder.identity if state.kb.embedder else "none",
        "model": state.settings.llm.model or "extractive",
        "read_only": state.settings.service.read_only,
        "evals": hooks.eval_runner is not None,
        "max_upload_bytes": state.settings.read.max_bytes,
    }
    return JSONResponse(record)


@router.get("/metrics", response_model=None, response_class=PlainTextResponse, dependencies=[Depends(require_key)])
async def metrics(request: Request) -> Response:
    """Return the metrics in Prometheus's format."""
    return Response(state_of(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/docs", include_in_schema=False, response_model=None)
async def docs() -> Response:
    """Return the API's documentation; its assets come from an installed package, not from a network."""
    return HTMLResponse(_DOCS)


@router.get("/docs/{name}", include_in_schema=False, response_model=None)
async def docs_asset(name: str) -> Response:
    """Return one of the documentation's files."""
    if name == "init.js":
        return Response(_INIT, media_type="text/javascript")
    spec = find_spec("fastapi_swagger")
    if name not in _SWAGGER or spec is None or spec.origin is None:
        raise HTTPException(404)
    return FileResponse(Path(spec.origin).parent / "resources" / name)
