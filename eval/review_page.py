"""Reviewing drafted questions in the browser: a page on this machine alone, plain forms without scripts."""

from __future__ import annotations

import contextlib
import hmac
import secrets
import sys
from collections.abc import Callable
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from eval.cases import Case, load_sets
from eval.reviewing import answers_text, decide, read_answers
from service.requests import reader_script

__all__ = ["review_app", "serve_review"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_AROUND = 160
_MOST = 100_000
_WORDS = {
    "zh-Hant": {
        "title": "審題",
        "left": "待審 {left} 題，共 {total} 題",
        "question": "題目",
        "answers": "標準答案（各部分用 ; 分開，同義寫法用 | 分開）",
        "refuse": "應拒答",
        "evidence": "證據",
        "accept": "接受",
        "reject": "刪除",
        "skip": "跳過",
        "done": "全部審完了，可以關閉這一頁。",
    },
    "zh-Hans": {
        "title": "审题",
        "left": "待审 {left} 题，共 {total} 题",
        "question": "题目",
        "answers": "标准答案（各部分用 ; 分开，同义写法用 | 分开）",
        "refuse": "应拒答",
        "evidence": "证据",
        "accept": "接受",
        "reject": "删除",
        "skip": "跳过",
        "done": "全部审完了，可以关闭这一页。",
    },
    "en": {
        "title": "Review",
        "left": "{left} of {total} to review",
        "question": "Question",
        "answers": "Answers (parts by ; alternatives by |)",
        "refuse": "To be refused",
        "evidence": "Evidence",
        "accept": "Accept",
        "reject": "Reject",
        "skip": "Skip",
        "done": "All are reviewed. You can close this page.",
    },
}
Context = Callable[[str, int, str], tuple[str, str]]


def _shown(case: Case, words: dict[str, str], token: str, counts: tuple[int, int], context: Context) -> str:
    evidence = ""
    for item in case.evidence:
        before, after = context(item.document, item.page, item.quote)
        evidence += (
            f'<blockquote><span class="soft">{escape(before)}</span><mark>{escape(item.quote)}</mark>'
            f'<span class="soft">{escape(after)}</span>'
            f'<br><span class="soft small">{escape(item.document)} · {item.page}</span></blockquote>'
        )
    answers = (
        f'<label>{words["answers"]}<textarea name="answers" rows="2">{escape(answers_text(case.answers))}</textarea></label>'
        if case.answerable
        else f"<p>{words['refuse']}</p>"
    )
    buttons = "".join(
        f'<button name="choice" value="{choice}" class="{choice}" accesskey="{choice[0]}">{words[choice]}</button>'
        for choice in ("accept", "reject", "skip")
    )
    left = words["left"].format(left=counts[0], total=counts[1])
    return (
        f'<p class="soft">{left} · <code>{escape(case.id)}</code> · {escape(case.type)}</p><form method="post" action="/">'
        f'<input type="hidden" name="token" value="{token}"><input type="hidden" name="id" value="{escape(case.id)}">'
        f'<label>{words["question"]}<textarea name="question" rows="3" lang="{case.language}" autofocus>{escape(case.question)}</textarea>'
        "</label>"
        f"{answers}<h4>{words['evidence']}</h4>{evidence}<p>{buttons}</p></form>"
    )


def _cases(path: Path) -> list[Case]:
    """Return a set's cases; there are none once the last one was rejected."""
    return load_sets([path]) if path.stat().st_size else []


def _page(words: dict[str, str], language: str, body: str) -> HTMLResponse:
    style = files("eval.report").joinpath("style.css").read_text("utf-8") + files("eval").joinpath("review.css").read_text("utf-8")
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{words['title']}</title><style>{style}</style></head><body><main><h1>{words['title']}</h1>{body}</main></body></html>"
    )
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(html, headers=headers)


def review_app(path: Path, *, by: str = "author", context: Context | None = None) -> Starlette:
    """Return the application that reviews one set.

    Args:
        path: The set; it is written again after each decision.
        by: What ``reviewed_by`` becomes.
        context: Returns what stands before and after a quote; document, page and quote are given.

    Raises:
        SetError: The set is missing or broken.
    """
    load_sets([path])
    token = secrets.token_urlsafe(24)
    skipped: set[str] = set()

    async def show(request: Request) -> Response:
        header = request.headers.get("accept-language")
        language = reader_script(header) if (header or "").lower().startswith("zh") else None
        words = _WORDS[language or "en"]
        cases = _cases(path)
        waiting = [case for case in cases if not case.reviewed_by]
        case = next((item for item in waiting if item.id not in skipped), None)
        if case is None:
            return _page(words, language or "en", f"<p>{words['done']}</p>")
        around = context or (lambda *_: ("", ""))
        return _page(words, language or "en", _shown(case, words, token, (len(waiting), len(cases)), around))

    async def decided(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=10, max_part_size=_MOST) as form:
            sent = {name: str(form.get(name) or "") for name in ("token", "id", "choice", "question", "answers")}
        # Another site's page may send this form too, but does not know the token.
        if not hmac.compare_digest(sent["token"].encode(), token.encode()):
            return PlainTextResponse("this form is not from this page; load it again", 403)
        if sent["choice"] == "skip":
            skipped.add(sent["id"])
        elif sent["choice"] in ("accept", "reject"):
            decide(path, sent["id"], sent["choice"], question=sent["question"].strip(), answers=read_answers(sent["answers"]), by=by)
        return RedirectResponse("/", 303)

    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "testserver"])
    return Starlette(routes=[Route("/", show), Route("/", decided, methods=["POST"])], middleware=[hosts])


def _context() -> Context:
    """Return where to look up what stands around a quote: this machine's knowledge base, if there is one."""
    from eval.askers import LocalAsker
    from ingest.kb import load_settings

    asker = LocalAsker(load_settings())
    documents = asker.documents()

    def around(document: str, page: int, quote: str) -> tuple[str, str]:
        for name in documents.get(document, ()):
            text = asker.page_text(name, page) or ""
            at = text.find(quote)
            if at >= 0:
                end = at + len(quote)
                return text[max(0, at - _AROUND) : at], text[end : end + _AROUND]
        return "", ""

    return around


def serve_review(path: Path, *, by: str, port: int) -> int:
    """Serve the page until it is interrupted; returns the exit code.

    Args:
        path: The set.
        by: Who reviews.
        port: On 127.0.0.1; 0 takes a free one.
    """
    import socket

    import uvicorn

    app = review_app(path, by=by, context=_context())
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("127.0.0.1", port))
        print(f"review {path} at http://127.0.0.1:{line.getsockname()[1]} (Ctrl-C ends)", file=sys.stderr, flush=True)
        server: Any = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[line])
    return 0
