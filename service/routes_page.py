"""The chat page, its files, and the plain form for browsers without scripts."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

from ingest.kb import WenjuError
from service.answering import answer_question
from service.requests import check_question, reader_script
from service.state import require_key, state_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
# The plain page's own words, in the language of the answer: page, picture of the page, where the sentences are from.
_WORDS = {
    "zh-Hant": ("第 {page} 頁", "頁面影像", "答句取自文件原句，未經語言模型改寫。"),
    "zh-Hans": ("第 {page} 页", "页面图像", "答句取自文档原句，未经语言模型改写。"),
    "en": ("p. {page}", "page image", "Sentences taken from the documents, not rewritten by a language model."),
}
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".png": "image/png",
}


def _file(name: str) -> Response:
    folder = Path(str(files("service"))) / "web"
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file() or path.suffix not in _TYPES:
        raise HTTPException(404)
    kind = _TYPES[path.suffix]
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    # The page is small and served by us: always asked for, answered with 304 while it has not changed.
    return FileResponse(path, media_type=kind + charset, headers={"Cache-Control": "no-cache"})


@router.get("/", response_model=None)
async def index() -> Response:
    """Return the page."""
    return _file("index.html")


@router.get("/favicon.ico", response_model=None)
async def favicon() -> Response:
    """Return the page's icon."""
    return _file("icon.svg")


@router.get("/web/{name:path}", response_model=None)
async def asset(name: str) -> Response:
    """Return one of the page's files."""
    return _file(name)


@router.post("/ask", response_model=None, dependencies=[Depends(require_key)])
async def plain_ask(request: Request, question: Annotated[str, Form(max_length=20_000)] = "") -> Response:
    """Answer the plain form with a plain page."""
    state = state_of(request)
    try:
        fallback = reader_script(request.headers.get("accept-language"))
        answer = await answer_question(state, check_question(question), fallback=fallback)
    except WenjuError as error:
        return HTMLResponse(_page(question, f'<p role="alert">{escape(error.message)}</p>', "en"), error.status)
    return HTMLResponse(_page(question, _answer(answer), answer["language"]))


def _page(question: str, body: str, language: str) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>問據 Wenju</title><link rel="stylesheet" href="/web/style.css"></head><body class="plain"><main class="plain">'
        f'<h1><a href="/">問據 Wenju</a></h1><form method="post" action="/ask" accept-charset="utf-8">'
        f'<textarea name="question" rows="3" required maxlength="4000">{escape(question)}</textarea>'
        f'<button type="submit">問 · 问 · Ask</button></form>{body}</main></body></html>'
    )


def _answer(answer: dict[str, Any]) -> str:
    language = answer["language"]
    notes = "".join(f'<p class="note">{escape(note["text"])}</p>' for note in answer["notes"] if note.get("text"))
    if answer["refusal"] is not None:
        nearest = "".join(_citation(citation, language) for citation in answer["refusal"]["nearest"])
        return f'<p class="refusal">{escape(answer["refusal"]["message"])}</p><ol>{nearest}</ol>{notes}'
    parts = []
    for segment in answer["segments"]:
        marks = "".join(f'<sup><a href="#{escape(name)}">{escape(name[1:])}</a></sup>' for name in segment["citation_ids"])
        parts.append(f"<p>{escape(segment['text'])}{marks}</p>")
    cited = "".join(_citation(citation, language) for citation in answer["citations"])
    if not answer["llm_generated"]:
        notes += f'<p class="note">{_WORDS[language][2]}</p>'
    return f'<section class="answer">{"".join(parts)}</section>{notes}<ol>{cited}</ol>'


def _citation(citation: dict[str, Any], language: str) -> str:
    place, picture, _ = _WORDS[language]
    page = f" · {place.format(page=citation['page'])}" if citation["page"] else ""
    image = f'<p><a href="{escape(citation["page_image_url"])}">{picture}</a></p>' if citation["page_image_url"] else ""
    return (
        f'<li id="{escape(citation["id"])}"><blockquote lang="{citation["language"]}">{escape(citation["cited_text"])}</blockquote>'
        f"<cite>{escape(citation['document_title'])}{page} · {escape(citation['file_name'])}</cite>{image}</li>"
    )
