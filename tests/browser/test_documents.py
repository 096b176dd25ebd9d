"""U24 to U26: adding and removing documents, errors, and the page without scripts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import OpenPage
from driver import CITED, UNKNOWN, Site, ask
from fpdf import FPDF
from playwright.sync_api import FilePayload, Page, expect

FACT = "The Tarsier benchmark scored 71.3 points in March 2031."


def _choose(page: Page, file: FilePayload) -> None:
    page.set_input_files("#files", [file])


def _library(scratch: Site, open_page: OpenPage, **options: Any) -> Page:
    page = open_page(scratch, path="#/documents", **options)
    expect(page.locator(".document").first).to_be_visible()
    return page


@pytest.mark.parametrize("how", ["button", "drop"])
def test_u24_upload_ask_delete(scratch: Site, open_page: OpenPage, how: str) -> None:
    """A file chosen or dropped shows its state, can be asked about once published, and is gone when deleted, from disk too."""
    page = _library(scratch, open_page)
    name = f"tarsier-{how}.md"
    text = f"# Tarsier {how}\n\n{FACT}\n\nFiled by way of the {how}.\n"
    if how == "button":
        _choose(page, {"name": name, "mimeType": "text/markdown", "buffer": text.encode()})
    else:
        page.evaluate(
            """([name, text]) => {
              const data = new DataTransfer();
              data.items.add(new File([text], name, { type: 'text/markdown' }));
              const drop = new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
              document.querySelector('wj-library').dispatchEvent(drop);
            }""",
            [name, text],
        )
    row = page.locator(".upload")
    expect(row).to_contain_text(name)
    expect(row.locator(".upload-state")).to_have_text("Done, ready to be asked about", timeout=20_000)
    document = page.locator(".document", has_text=name)
    expect(document).to_be_visible()
    sha = scratch.documents()[name]["sha256"]
    kept = [path for path in scratch.data_dir.rglob("*") if sha in path.name]
    assert kept
    page.evaluate("location.hash = '#/'")
    turn = ask(page, "How many points did the Tarsier benchmark score?")
    expect(turn.locator(".quote").first).to_have_text(FACT)
    page.evaluate("location.hash = '#/documents'")
    document.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(document).to_have_count(0, timeout=20_000)
    assert name not in scratch.documents()
    assert [path for path in scratch.data_dir.rglob("*") if sha in path.name] == []


def test_u05_a_removed_document_is_said_to_be_gone(scratch: Site, open_page: OpenPage) -> None:
    """Once a cited document is removed its quotes say so, here and after a reload; the source offers no retry; when it is back, all is."""
    page = _library(scratch, open_page)
    name = "lemur-note.md"
    note = {"name": name, "mimeType": "text/markdown", "buffer": b"# Lemur\n\nThe Lemur benchmark scored 73.4 points in May 2031.\n"}
    _choose(page, note)
    document = page.locator(".document", has_text=name)
    expect(document).to_be_visible()
    page.evaluate("location.hash = '#/'")
    turn = ask(page, "How many points did the Lemur benchmark score?")
    check = turn.locator(".quote-item .check").first
    expect(check).to_have_text("Checked letter by letter")
    page.evaluate("location.hash = '#/documents'")
    document.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(document).to_have_count(0)
    page.locator('.nav a[data-view="ask"]').click()
    for _ in range(2):
        expect(check).to_contain_text("Document removed")
        expect(check.locator(".icon")).to_be_hidden()
        page.reload()
    turn.locator(".quote-source").first.click()
    panel = page.locator(".source-body")
    expect(panel).to_have_text("This document is no longer in the library.")
    expect(panel.get_by_role("button")).to_have_count(0)
    page.evaluate("location.hash = '#/documents'")
    _choose(page, note)
    expect(document).to_be_visible()
    page.locator('.nav a[data-view="ask"]').click()
    expect(check).to_have_text("Checked letter by letter")


def test_u24_the_same_file_twice(scratch: Site, open_page: OpenPage) -> None:
    """A file that is there already is said to be."""
    page = _library(scratch, open_page)
    page.set_input_files("#files", Path("corpus/digests/en/state-of-ai-retention.md").resolve())
    expect(page.locator(".upload-state")).to_contain_text("already holds")


def test_u24_rejected_before_upload(scratch: Site, open_page: OpenPage) -> None:
    """A wrong kind, an empty file and one too large are turned away with the reason, before anything is sent."""
    page = _library(scratch, open_page)
    sent: list[str] = []
    page.on("request", lambda request: sent.extend([request.url] * (request.method == "POST")))
    limit = scratch.call("/version")["max_upload_bytes"]
    page.evaluate(
        """limit => {
          const big = new File(['x'], 'big.pdf');
          Object.defineProperty(big, 'size', { value: limit + 1 });
          document.querySelector('wj-library').uploads.add([new File(['x'], 'tool.exe'), new File([], 'empty.md'), big]);
        }""",
        limit,
    )
    rows = page.locator(".upload")
    for name, reason in (("tool.exe", r"\.exe.*cannot be read"), ("empty.md", "is empty"), ("big.pdf", "the limit is")):
        expect(rows.filter(has_text=name)).to_contain_text(re.compile(reason))
    assert sent == []


def test_u24_cancel(scratch: Site, open_page: OpenPage) -> None:
    """An upload that is under way can be cancelled, by name, and leaves nothing behind."""
    page = _library(scratch, open_page)
    page.route("**/v1/documents", lambda route: None if route.request.method == "POST" else route.continue_())
    _choose(page, {"name": "slow.md", "mimeType": "text/markdown", "buffer": b"# Slow\n\nText.\n"})
    page.get_by_role("button", name="Cancel the upload of slow.md").click()
    expect(page.locator(".upload-state")).to_have_text("Cancelled")
    page.get_by_role("button", name="Clear finished").click()
    expect(page.locator(".uploads")).to_be_hidden()
    assert "slow.md" not in scratch.documents()


def test_u24_a_file_that_cannot_be_read(scratch: Site, open_page: OpenPage) -> None:
    """A broken PDF fails with what was wrong, and the library stays as it was."""
    page = _library(scratch, open_page)
    before = scratch.documents().keys()
    _choose(page, {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 nothing more"})
    expect(page.locator(".upload-state")).to_have_text("Failed", timeout=20_000)
    more = page.locator(".upload-more")
    expect(more).not_to_be_empty()
    assert "Traceback" not in (more.text_content() or "")
    assert scratch.documents().keys() == before


@pytest.mark.parametrize(
    ("language", "says", "advises"),
    [
        ("zh-Hant", "檔案有密碼保護。", "移除密碼"),
        ("zh-Hans", "文件有密码保护。", "去掉密码"),
        ("en", "locked with a password", "without the password"),
    ],
)
def test_u24_a_locked_file_in_the_page_language(scratch: Site, open_page: OpenPage, language: str, says: str, advises: str) -> None:
    """What is wrong with a file is said in the page's language, with advice for who has a page and no command line."""
    pdf = FPDF()
    pdf.set_encryption(owner_password="owner", user_password="user")
    pdf.add_page()
    pdf.set_font("Helvetica", size=14)
    pdf.text(40, 40, "Nobody reads this.")
    page = open_page(scratch, language, path="#/documents")
    expect(page.locator(".document").first).to_be_visible()
    _choose(page, {"name": "locked.pdf", "mimeType": "application/pdf", "buffer": bytes(pdf.output())})
    more = page.locator(".upload-more")
    expect(more).to_contain_text(says)
    expect(more).to_contain_text(advises)
    shown = more.inner_text()
    assert not re.search(r"wenju|--|WENJU_", shown)
    assert language == "en" or not re.search(r"[a-z]{2}", shown)


_PROBLEMS = {
    429: {"code": "rate_limited", "detail": "too many requests from this key or address"},
    500: {"code": "internal", "detail": ""},
    503: {"code": "shutting_down", "detail": "the service is stopping", "hint": "Try again in a moment."},
    422: {"code": "validation", "detail": "the question is empty"},
}
_HEADERS = {"X-Request-ID": "req-12345678", "Retry-After": "7"}


def _fail(page: Page, status: int, body: str) -> None:
    answer = {"status": status, "content_type": "application/problem+json", "headers": _HEADERS, "body": body}
    page.route("**/v1/ask", lambda route: route.fulfill(**answer))


def test_u25_errors_say_what_why_and_what_to_do(page: Page) -> None:
    """A failure names itself in the page's language with detail, hint and request id, offers to ask again, and shows no trace."""
    words = {429: "Try again in 7 seconds", 500: "internal error", 503: "not available", 422: "not valid"}
    for status, facts in _PROBLEMS.items():
        body = json.dumps({"type": "about:blank", "status": status, "instance": "req-12345678", **facts})
        _fail(page, status, body)
        turn = ask(page, CITED["en"])
        notice = turn.locator(".notice.bad")
        for part in (words[status], facts["detail"], facts.get("hint", ""), "req-12345678"):
            expect(notice).to_contain_text(part)
        assert not re.search(r"Traceback|at .*\.py|line \d+", turn.inner_text())
        page.unroute("**/v1/ask")
    page.locator("wj-turn").last.get_by_role("button", name="Ask again").click()
    expect(page.locator("wj-turn").last.locator(".chip").first).to_be_visible()


def test_u25_real_errors_carry_an_id(page: Page) -> None:
    """What the service itself refuses is shown with its own words and id, not as a crash."""
    shown = page.evaluate("""async () => {
      const { ask } = await import('/web/api.js');
      try { await ask({ question: 'x'.repeat(9000) }, { on() {} }); } catch (error) { return [error.status, error.text, error.requestId]; }
    }""")
    assert shown[0] in (413, 422)
    assert len(shown[1]) > 20
    assert shown[2]


@pytest.mark.parametrize("language", ["zh-Hant", "zh-Hans", "en"])
def test_u25_degraded_banner_names_the_part(site: Site, open_page: OpenPage, language: str) -> None:
    """A part that is down is named in the page's words, and questions can still be asked."""
    page = open_page(site, language)
    body = {"status": "degraded", "parts": {"catalogue": "ok", "lexical": "ok", "vector": "degraded", "llm": "off"}, "documents": 3}
    page.route("**/readyz", lambda route: route.fulfill(json=body))
    page.reload()
    part = {"zh-Hant": "語意", "zh-Hans": "语义", "en": "search by meaning"}[language]
    expect(page.locator("#banner")).to_contain_text(part)
    turn = ask(page, CITED[language])
    expect(turn.locator(".chip").first).to_be_visible()


@pytest.mark.parametrize("language", ["zh-Hant", "zh-Hans", "en"])
def test_u26_answers_without_scripts(site: Site, open_page: OpenPage, language: str) -> None:
    """Without JavaScript the form answers with a plain page: the answer, its quotes, and where they stand."""
    page = open_page(site, language, java_script_enabled=False)
    expect(page.locator("noscript p").first).to_be_visible()
    page.fill("#question", CITED[language])
    page.click("#send")
    record = site.answer(CITED[language])
    assert page.locator("html").get_attribute("lang") == record["language"]
    assert page.locator("blockquote").all_text_contents() == [one["cited_text"] for one in record["citations"]]
    assert [one.get_attribute("lang") for one in page.locator("blockquote").all()] == [one["language"] for one in record["citations"]]
    own = {"zh-Hant": "未經語言模型改寫", "zh-Hans": "未经语言模型改写", "en": "not rewritten by a language model"}[language]
    expect(page.locator(".note").last).to_contain_text(own)
    for name in page.locator("sup a").all():
        assert page.locator(name.get_attribute("href") or "").count() == 1
    page.fill("textarea", UNKNOWN[language])
    page.click("button")
    expect(page.locator(".refusal")).to_have_text(site.answer(UNKNOWN[language])["refusal"]["message"])


def test_u26_says_that_no_model_wrote(page: Page) -> None:
    """Without a language model the answer consists of the documents' sentences, and says so."""
    turn = ask(page, CITED["en"])
    expect(turn.locator(".origin")).to_contain_text("not rewritten by a language model")
