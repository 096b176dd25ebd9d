"""``/v1/documents`` and ``/v1/jobs``: list, upload, remove, read pages, page pictures, originals."""

from __future__ import annotations

import hashlib
import re
import shutil
import uuid
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Query, Request, UploadFile
from fastapi.responses import FileResponse, JSONResponse, Response

from ingest.kb import Document, NotFoundError, Page
from ingest.kb.boxes import rects_for_span
from ingest.kb.errors import LimitExceeded
from ingest.kb.page_image import page_image
from ingest.kb.script import convert_prose, detect_script
from service.described import EventStream, Original, Picture, also, gives, streams
from service.events import Event, event_stream
from service.jobs import Job
from service.requests import InvalidRequest
from service.shapes import DocumentDetails, DocumentList, DocumentRecord, PageRecord
from service.state import State, require_key, state_of

__all__ = ["router"]

router = APIRouter(prefix="/v1", dependencies=[Depends(require_key)], tags=["documents"])
_CHUNK = 1 << 20
_NAME_BYTES = 200
_UNCHANGED = also((304, "`If-None-Match` names what the client has already."))
_PARTS = also((206, "The range that was asked for."), (416, "There is no such range."))


class _ReadOnly(InvalidRequest):
    """The service may not change anything."""

    code = "read_only"
    status = 403


def shown_name(raw: str | None) -> str:
    """Return a client's file name as display text: its last part, without controls and direction marks, at most 200 bytes."""
    name = re.split(r"[/\\]", raw or "")[-1]
    name = re.sub(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", "", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        stem, suffix = name, ""
    room = _NAME_BYTES - len(suffix.encode()) - 1
    stem = stem.encode()[: max(room, 1)].decode("utf-8", "ignore")
    return f"{stem}.{suffix}" if suffix and len(suffix) < 20 else stem or "upload"


def _writable(state: State) -> None:
    if state.settings.service.read_only:
        raise _ReadOnly("the service is read-only", hint="Ingest with the command line, or unset WENJU_SERVICE__READ_ONLY.")


def _record(document: Document, passages: int) -> dict[str, Any]:
    return {"object": "document", **asdict(document), "passages": passages}


def _find(state: State, document_id: str) -> Document:
    snapshot = state.snapshot()
    document = snapshot.documents.get(document_id) if snapshot else None
    if document is None:
        raise NotFoundError(f"there is no document {document_id[:80]}", hint="GET /v1/documents lists what there is.")
    return document


async def _page(state: State, document: Document, number: int) -> Page:
    # Numbers that the database cannot hold are no pages either.
    if not 1 <= number <= document.page_count:
        raise NotFoundError(f"{document.file_name} has no page {str(number)[:20]}", hint=f"It has {document.page_count}.")
    return await state.in_thread(state.kb.catalogue.page, document.id, number)


@router.get("/documents", response_model=None, responses=gives(DocumentList))
async def list_documents(
    request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 100, after: Annotated[str | None, Query(max_length=100)] = None
) -> Response:
    """List the documents of the live generation, in order of their ids; ``after`` is the last id of the page before."""
    state = state_of(request)
    snapshot = await state.in_thread(state.snapshot)
    every = sorted(snapshot.documents.values(), key=lambda document: document.id) if snapshot else []
    rest = [document for document in every if after is None or document.id > after]
    counts = await state.in_thread(state.kb.catalogue.passage_counts)
    data = [_record(document, counts.get(document.id, 0)) for document in rest[:limit]]
    generation = snapshot.generation.name if snapshot else ""
    return JSONResponse({"object": "list", "data": data, "has_more": len(rest) > limit, "total": len(every), "generation": generation})


@router.post("/documents", status_code=202, response_model=None, responses=gives(DocumentRecord) | gives(Job, 202, job=True))
async def upload(request: Request, file: Annotated[UploadFile, File()]) -> Response:
    """Take one file: 202 with the address of its job, or 200 if the same bytes are here already."""
    state = state_of(request)
    _writable(state)
    name = shown_name(file.filename)
    folder = state.jobs.uploads / uuid.uuid4().hex
    folder.mkdir(parents=True)
    digest = hashlib.sha256()
    size = 0
    path = folder / f"upload{Path(name).suffix[:16]}"
    try:
        with path.open("wb") as out:
            while chunk := await file.read(_CHUNK):
                size += len(chunk)
                if size > state.settings.read.max_bytes:
                    limit = state.settings.read.max_bytes
                    raise LimitExceeded(f"{name} has more than {limit:,} bytes", hint="Raise WENJU_READ__MAX_BYTES if you trust it.")
                digest.update(chunk)
                out.write(chunk)
        document_id = f"doc_{digest.hexdigest()[:16]}"
        snapshot = await state.in_thread(state.snapshot)
        known = snapshot.documents.get(document_id) if snapshot else None
        if known is not None and known.sha256 == digest.hexdigest():
            counts = await state.in_thread(state.kb.catalogue.passage_counts)
            shutil.rmtree(folder, ignore_errors=True)
            return JSONResponse(_record(known, counts.get(known.id, 0)) | {"deduplicated": True})
        job = state.jobs.ingest(path, name, document_id)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return JSONResponse(job.as_json(), 202, {"Location": f"/v1/jobs/{job.id}"})


@router.get("/documents/{document_id}", response_model=None, responses=gives(DocumentDetails))
async def get_document(document_id: str, request: Request) -> Response:
    """Return a document's facts, with what is wrong with its pages."""
    state = state_of(request)
    document = await state.in_thread(_find, state, document_id)

    def pages() -> list[dict[str, Any]]:
        return [
            {"page": page.number, "page_label": page.label, "characters": len(page.text), "ocr": page.ocr, "warnings": list(page.warnings)}
            for page in state.kb.catalogue.pages(document_id)
        ]

    counts = await state.in_thread(state.kb.catalogue.passage_counts)
    return JSONResponse(_record(document, counts.get(document_id, 0)) | {"pages": await state.in_thread(pages)})


@router.delete("/documents/{document_id}", status_code=202, response_model=None, responses=gives(Job, 202, job=True))
async def delete_document(document_id: str, request: Request) -> Response:
    """Remove a document from the next generation and from disk: 202 with the address of the job."""
    state = state_of(request)
    _writable(state)
    document = await state.in_thread(_find, state, document_id)
    job = state.jobs.remove(document_id, document.file_name)
    return JSONResponse(job.as_json(), 202, {"Location": f"/v1/jobs/{job.id}"})


@router.get("/documents/{document_id}/file", response_model=None, response_class=Original, responses=_PARTS | _UNCHANGED)
async def original(document_id: str, request: Request) -> Response:
    """Return the original file as an attachment."""
    state = state_of(request)
    document = await state.in_thread(_find, state, document_id)
    path = state.kb.layout.originals / document.sha256
    if not path.exists():
        raise NotFoundError("the original of this document is gone", hint="Ingest it again.")
    return FileResponse(
        path,
        media_type="application/octet-stream",
        filename=document.file_name,
        content_disposition_type="attachment",
        headers={"ETag": f'"{document.sha256}"'},
    )


@router.get("/documents/{document_id}/pages/{number}.webp", response_model=None, response_class=Picture, responses=_UNCHANGED)
async def picture(
    document_id: str,
    number: int,
    request: Request,
    start: Annotated[int, Query(ge=0)] = 0,
    end: Annotated[int, Query(ge=0)] = 0,
    width: Annotated[int, Query(ge=200, le=2400)] = 1200,
) -> Response:
    """Return the picture of a PDF page with a span boxed."""
    state = state_of(request)
    document = await state.in_thread(_find, state, document_id)
    if not document.paged:
        raise NotFoundError("this document has no pages to show", hint=f"GET /v1/documents/{document_id}/pages/1 has its text.")
    page = await _page(state, document, number)
    rects = rects_for_span(page, start, end) if end > start else ()
    layout = state.kb.layout
    data = await state.in_thread(
        page_image, layout.originals / document.sha256, layout.images, sha256=document.sha256, page=number, rects=rects, width=width
    )
    # Drawn by another version, or with the text read anew, the same address may show another picture.
    tag = hashlib.sha256(data).hexdigest()
    return Response(data, media_type="image/webp", headers={"Cache-Control": "private, max-age=86400", "ETag": f'"{tag}"'})


@router.get("/documents/{document_id}/pages/{number}", response_model=None, responses=gives(PageRecord))
async def page_text(document_id: str, number: int, request: Request, script: Literal["zh-Hant", "zh-Hans"] | None = None) -> Response:
    """Return a page's text and blocks; with ``script`` each block converted for reading, marked as such."""
    state = state_of(request)
    document = await state.in_thread(_find, state, document_id)
    page = await _page(state, document, number)
    blocks = [asdict(block) for block in page.blocks]
    text, converted, found = page.text, False, detect_script(page.text)
    if script is not None and found not in (None, script):
        text, blocks = _converted(page.text, blocks, script)
        converted = True
    record = {
        "object": "page",
        "document_id": document_id,
        "document_title": document.title,
        "page": number,
        "page_label": page.label,
        "page_count": document.page_count,
        "text": text,
        "blocks": blocks,
        "converted": converted,
        "script": script if converted else found,
        "ocr": page.ocr,
        "warnings": list(page.warnings),
    }
    return JSONResponse(record)


def _converted(text: str, blocks: list[dict[str, Any]], script: Literal["zh-Hant", "zh-Hans"]) -> tuple[str, list[dict[str, Any]]]:
    """Return a page's text converted block by block, with its blocks.

    The blocks have converted table heads, new offsets, and their old offsets as ``source_start`` and ``source_end``.
    """
    parts: list[str] = []
    length = at = 0
    out = []
    for block in blocks:
        gap = text[at : block["start"]]
        body = text[block["start"] : block["end"]]
        if block["kind"] != "code":
            body = convert_prose(body, script)
        out.append(
            block
            | {"start": length + len(gap), "end": length + len(gap) + len(body), "source_start": block["start"], "source_end": block["end"]}
            | {"header": convert_prose(block["header"], script)}
        )
        parts += [gap, body]
        length += len(gap) + len(body)
        at = block["end"]
    parts.append(text[at:])
    return "".join(parts), out


@router.get("/jobs/{job_id}", response_model=None, responses=gives(Job))
async def get_job(job_id: str, request: Request) -> Response:
    """Return a job's state."""
    return JSONResponse(state_of(request).jobs.get(job_id).as_json())


@router.get("/jobs/{job_id}/events", response_model=None, response_class=EventStream, responses=streams())
async def job_events(job_id: str, request: Request) -> Response:
    """Stream a job's changes until it ends."""
    state = state_of(request)
    job = state.jobs.get(job_id)

    async def events() -> AsyncIterator[Event]:
        async for record in state.jobs.events(job):
            yield ("done" if record["state"] in ("done", "failed") else "progress"), record

    return event_stream(events(), state.stopping)
