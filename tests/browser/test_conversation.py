"""U9 to U14: asking, streaming, stopping, copying, voting, keeping."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest
from conftest import OpenPage
from driver import CITED, UNKNOWN, Site, ask, slow_stream
from playwright.sync_api import Page, expect

from ingest.kb.script import detect_script

SHIFTS = """() => {
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
}"""


@pytest.mark.parametrize("language", ["zh-Hant", "zh-Hans", "en"])
def test_u09_suggestions_in_the_page_language(site: Site, open_page: OpenPage, language: str) -> None:
    """An empty page suggests questions in its own language; one click asks, and the answer has sources without any model."""
    page = open_page(site, language)
    ideas = page.locator(".suggestions .idea")
    expect(ideas.first).to_be_visible()
    for text in ideas.all_text_contents():
        assert (detect_script(text) or "en") == language
    ideas.first.click()
    expect(page.locator("wj-turn .answer-text .chip").first).to_be_visible()
    assert page.evaluate("document.querySelector('wj-turn').turn.answer.llm_generated") is False


@pytest.mark.parametrize("language", ["zh-Hant", "zh-Hans", "en"])
def test_u09_follow_ups_after_an_answer(site: Site, open_page: OpenPage, language: str) -> None:
    """Under the last answer stand questions that its documents answer, none asked before; one click asks, a reload keeps them."""
    page = open_page(site, language)
    ask(page, CITED[language])
    ideas = page.locator(".follow-ups .idea")
    expect(ideas.first).to_be_visible()
    texts = ideas.all_text_contents()
    assert 1 <= len(texts) <= 3
    assert len(set(texts)) == len(texts)
    page.reload()
    expect(ideas.first).to_be_visible()
    assert ideas.all_text_contents() == texts
    first = ideas.first
    assert detect_script(texts[0]) == (None if (lang := first.get_attribute("lang")) == "en" else lang)
    first.click()
    turn = page.locator("wj-turn").nth(1)
    expect(turn.locator(".answer-text .chip").first).to_be_visible()
    expect(turn.locator(".question")).to_contain_text(texts[0])
    expect(page.locator("wj-turn").nth(0).locator(".follow-ups")).to_be_hidden()
    expect(turn.locator(".follow-ups .idea").first).to_be_visible()
    assert texts[0] not in turn.locator(".follow-ups .idea").all_text_contents()


def test_u09_without_follow_ups_nothing_is_missed(page: Page) -> None:
    """Where the service offers none, or fails, the answer stands as it is and says nothing of it."""
    page.route("**/v1/suggestions?*document_id*", lambda route: route.fulfill(status=500))
    with page.expect_response("**/v1/suggestions?*document_id*"):
        turn = ask(page, CITED["en"])
    expect(turn.locator(".chip").first).to_be_visible()
    expect(page.locator(".follow-ups")).to_be_hidden()
    expect(turn.locator(".notice.bad")).to_have_count(0)


def test_u10_status_comes_at_once(page: Page) -> None:
    """Within 200 ms of Enter the page says that it searches."""
    slow_stream(page, 60)
    page.fill("#question", CITED["en"])
    page.evaluate("""() => document.getElementById('question').addEventListener('keydown', () => {
      const from = performance.now();
      const look = () => {
        if (document.querySelector('.turn-state')?.textContent) window.took = performance.now() - from;
        else requestAnimationFrame(look);
      };
      look();
    }, { once: true })""")
    page.press("#question", "Enter")
    page.wait_for_function("() => window.took !== undefined")
    assert page.evaluate("window.took") < 200


@pytest.mark.parametrize("how", ["button", "escape"])
def test_u10_stop_keeps_what_came(page: Page, how: str) -> None:
    """Stop and Esc end the answer within 300 ms; the text stays and is said to be cut off."""
    slow_stream(page, 20, hold_after=7)
    page.fill("#question", CITED["en"])
    page.press("#question", "Enter")
    prose = page.locator("wj-turn .answer-text")
    expect(prose).not_to_be_empty()
    page.wait_for_timeout(250)
    kept = prose.text_content()
    page.evaluate("""() => {
      const begin = () => { window.from = performance.now(); };
      document.getElementById('stop').addEventListener('pointerdown', begin, true);
      addEventListener('keydown', begin, true);
      new MutationObserver(() => { window.took ??= performance.now() - window.from; })
        .observe(document.querySelector('wj-turn .answer'), { attributes: true, attributeFilter: ['aria-busy'] });
    }""")
    if how == "button":
        page.click("#stop")
    else:
        page.press("#question", "Escape")
    expect(page.locator("wj-turn .answer")).to_have_attribute("aria-busy", "false")
    assert page.evaluate("window.took") < 300
    assert prose.text_content() == kept
    expect(page.locator(".turn-state")).to_contain_text("Stopped")
    page.reload()
    assert page.locator("wj-turn .answer-text").text_content() == kept
    expect(page.locator(".turn-state")).to_contain_text("Stopped")


def test_u10_cut_line_loses_nothing(page: Page) -> None:
    """A cut line says so, keeps the question and the text, and "ask again" answers once the line is back."""
    slow_stream(page, 10, cut_after=7)
    ready = {"status": 503, "json": {"status": "down", "parts": {"lexical": "ok"}}}
    page.route("**/readyz", lambda route: route.fulfill(**ready))
    page.fill("#question", CITED["en"])
    page.press("#question", "Enter")
    turn = page.locator("wj-turn")
    expect(turn.locator(".turn-state")).to_contain_text("connection broke")
    expect(page.locator("#banner")).to_be_visible()
    expect(turn.locator(".answer-text")).not_to_be_empty()
    expect(turn.locator(".question")).to_contain_text(CITED["en"])
    page.unroute("**/readyz")
    page.locator("#banner button").click()
    expect(page.locator("#banner")).to_contain_text("Connected again")
    slow_stream(page, 0)
    turn.get_by_role("button", name="Ask again").click()
    expect(turn.locator(".chip").first).to_be_visible()
    expect(page.locator("wj-turn")).to_have_count(1)


def test_u10_service_away(page: Page) -> None:
    """Without any line the banner says that the service is away, and retries by itself."""
    page.context.set_offline(True)
    page.fill("#question", CITED["en"])
    page.press("#question", "Enter")
    expect(page.locator("#banner")).to_contain_text("cannot be reached")
    expect(page.locator("wj-turn .notice.bad")).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    expect(page.locator("#banner")).to_contain_text("Connected again")


def test_u11_scroll_follows_only_at_the_end(site: Site, open_page: OpenPage) -> None:
    """Who scrolled up stays there while an answer streams, and finds a button to the newest; nothing on the page jumps."""
    page = open_page(site, viewport={"width": 1000, "height": 500})
    page.evaluate(SHIFTS)
    for question in (CITED["en"], "What is agentic inference?"):
        ask(page, question)
    slow_stream(page, 60)
    page.fill("#question", "Which model has only one founding cohort?")
    page.press("#question", "Enter")
    last = page.locator("wj-turn").nth(2)
    expect(last.locator(".answer-text")).not_to_be_empty()
    expect(last.locator(".answer-text")).to_be_in_viewport()
    page.mouse.move(500, 200)
    page.mouse.wheel(0, -3000)
    page.wait_for_timeout(150)
    at = page.evaluate("document.getElementById('scroller').scrollTop")
    expect(page.locator("#jump")).to_be_visible()
    expect(last.locator('.answer[aria-busy="false"]')).to_have_count(1)
    assert page.evaluate("document.getElementById('scroller').scrollTop") == at
    page.click("#jump")
    expect(page.locator("#jump")).to_be_hidden()
    assert page.evaluate("window.shifted") < 0.05


def test_u11_no_button_to_what_is_in_sight(page: Page) -> None:
    """The button to the newest answer shows while that answer lies below the window, and leads to where it begins."""
    for question in (CITED["en"], "What is agentic inference?"):
        ask(page, question)
    turns, jump = page.locator("wj-turn"), page.locator("#jump")
    expect(turns.nth(1).locator(".follow-ups .idea").first).to_be_attached()
    page.evaluate("document.getElementById('scroller').scrollTop = 0")
    page.evaluate("document.querySelector('wj-turn:last-of-type').scrollIntoView({ block: 'start' })")
    expect(turns.nth(1).locator(".question")).to_be_in_viewport()
    expect(jump).to_be_hidden()
    page.evaluate("document.querySelector('wj-turn .question').scrollIntoView({ block: 'start' })")
    page.set_viewport_size({"width": 1280, "height": 420})
    expect(turns.nth(1).locator(".question")).not_to_be_in_viewport()
    expect(jump).to_be_visible()
    jump.click()
    expect(turns.nth(1).locator(".question")).to_be_in_viewport()
    expect(jump).to_be_hidden()


@pytest.mark.parametrize("size", [(1280, 800), (360, 740)], ids=["desk", "phone"])
def test_u11_only_the_conversation_scrolls(site: Site, open_page: OpenPage, size: tuple[int, int]) -> None:
    """However long the conversation, the document is as high as the window, and a wheel over the history leaves the page in place."""
    page = open_page(site, viewport={"width": size[0], "height": size[1]})
    for question in (*CITED.values(), UNKNOWN["en"]):
        ask(page, question)
    assert page.evaluate("document.getElementById('scroller').scrollHeight") > 2 * size[1]
    assert page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]") == [size[1], size[0]]
    if size[0] < 1100:
        page.click("#menu")
    history = page.locator("#history")
    expect(history).to_be_visible()
    box = history.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 60)
    page.mouse.wheel(0, 900)
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == 0
    assert page.locator(".bar").evaluate("bar => bar.getBoundingClientRect().top") == 0
    expect(page.locator("#send")).to_be_in_viewport()


def test_u11_no_layout_shift_from_start_to_answer(site: Site, open_page: OpenPage) -> None:
    """From the first paint over suggestions to a finished answer and an open source the layout shifts by less than 0.05."""
    page = open_page(site)
    page.evaluate(SHIFTS)
    expect(page.locator(".idea").first).to_be_visible()
    slow_stream(page, 40)
    turn = ask(page, CITED["en"])
    turn.locator(".chip").first.click()
    expect(page.locator("mark.cited").first).to_be_visible()
    page.wait_for_timeout(100)
    assert page.evaluate("window.shifted") < 0.05


def test_u12_copy_with_sources(page: Page, site: Site) -> None:
    """A copied answer carries its sources as footnotes with document, page and quote; a copied quote is the quote alone."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = ask(page, "What does the AI use brief say about tokens by country?")
    citations = page.evaluate("document.querySelector('wj-turn').turn.answer.citations")
    turn.get_by_role("button", name="Copy answer").click()
    expect(page.get_by_role("status")).to_contain_text("copied with its sources")
    text = page.evaluate("navigator.clipboard.readText()")
    for citation in citations:
        note = re.search(rf"^\[\^{citation['index']}\]: (.*)$", text, re.MULTILINE)
        assert note
        assert citation["document_title"] in note[1]
        assert citation["file_name"] in note[1]
        assert not citation["page"] or f"p. {citation['page']}" in note[1]
        assert f"<{site.url}" in note[1]
        assert f"[^{citation['index']}]" in text.split("\n\n[^")[0]
    turn.get_by_role("button", name="Copy quote").first.click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == citations[0]["cited_text"]


def test_u13_votes_with_reason(page: Page, site: Site) -> None:
    """A thumb down takes a reason and a comment, can be changed, outlives a reload, and is kept with the answer for the evals."""
    turn = ask(page, CITED["zh-Hans"])
    turn.get_by_role("button", name="Something is wrong").click()
    assert turn.locator(".reasons input[type=radio]").count() == 5
    turn.get_by_label("It cites the wrong passage").check()
    turn.get_by_label("Comment (optional)").fill("page 3 says otherwise")
    turn.get_by_role("button", name="Send feedback").click()
    expect(turn.get_by_role("button", name="Something is wrong")).to_have_attribute("aria-pressed", "true")
    turn.get_by_role("button", name="Helpful").click()
    expect(turn.get_by_role("button", name="Helpful")).to_have_attribute("aria-pressed", "true")
    expect(turn.get_by_role("button", name="Something is wrong")).to_have_attribute("aria-pressed", "false")
    answer_id = page.evaluate("document.querySelector('wj-turn').turn.answer.id")
    page.reload()
    expect(page.get_by_role("button", name="Helpful")).to_have_attribute("aria-pressed", "true")
    (catalogue,) = (path for path in Path(site.data_dir).rglob("*") if path.suffix in (".db", ".sqlite", ".sqlite3"))
    with sqlite3.connect(f"file:{catalogue}?mode=ro", uri=True) as database:
        records = [json.loads(row[0]) for row in database.execute("select record from feedback order by id")]
    mine = [record for record in records if record["answer_id"] == answer_id]
    assert [record["vote"] for record in mine] == ["down", "up"]
    assert mine[0]["reason"] == "wrong_citation"
    assert mine[0]["comment"] == "page 3 says otherwise"
    assert mine[0]["answer"]


def test_u13_a_vote_is_taken_back(page: Page, site: Site) -> None:
    """A vote can be taken back, by its button or by "Undo": the service forgets it, and so does the page."""
    turn = ask(page, CITED["en"])
    answer_id = page.evaluate("document.querySelector('wj-turn').turn.answer.id")
    (catalogue,) = Path(site.data_dir).glob("*.sqlite3")

    def votes() -> int:
        with sqlite3.connect(f"file:{catalogue}?mode=ro", uri=True) as database:
            rows = database.execute("select count(*) from feedback where json_extract(record, '$.answer_id') = ?", (answer_id,))
            return int(rows.fetchone()[0])

    helpful = turn.get_by_role("button", name="Helpful")
    undo = turn.get_by_role("button", name="Undo")
    expect(undo).to_be_hidden()
    for take_back in (undo, helpful):
        helpful.click()
        expect(helpful).to_have_attribute("aria-pressed", "true")
        expect(undo).to_be_visible()
        assert votes() == 1
        take_back.click()
        expect(helpful).to_have_attribute("aria-pressed", "false")
        expect(page.get_by_role("status")).to_contain_text("taken back")
        expect(helpful).to_be_focused()
        expect(undo).to_be_hidden()
        assert votes() == 0
    wrong = turn.get_by_role("button", name="Something is wrong")
    wrong.click()
    turn.get_by_role("button", name="Send feedback").click()
    expect(wrong).to_have_attribute("aria-pressed", "true")
    assert votes() == 1
    # With the reasons open again, about to be changed.
    wrong.click()
    expect(turn.locator(".reasons")).to_be_visible()
    undo.click()
    expect(wrong).to_have_attribute("aria-pressed", "false")
    expect(wrong).to_be_focused()
    expect(turn.locator(".reasons")).to_be_hidden()
    assert votes() == 0
    page.reload()
    for name in ("Helpful", "Something is wrong"):
        expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "false")


def test_u13_a_vote_that_cannot_be_taken_back_stays(page: Page) -> None:
    """Where the service does not answer, the page says so and goes on showing the vote that the service holds."""
    turn = ask(page, CITED["en"])
    helpful = turn.get_by_role("button", name="Helpful")
    helpful.click()
    expect(helpful).to_have_attribute("aria-pressed", "true")
    page.route("**/v1/feedback/*", lambda route: route.abort())
    turn.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("not sent")
    expect(helpful).to_have_attribute("aria-pressed", "true")
    expect(turn.get_by_role("button", name="Undo")).to_be_visible()


def test_u14_history_kept_exported_deleted(page: Page) -> None:
    """Conversations outlive a reload, are found again, renamed and exported, and a deleted one is gone from the device."""
    first = ask(page, CITED["en"])
    shown = first.locator(".answer-text").text_content()
    page.reload()
    assert page.locator("wj-turn .answer-text").text_content() == shown
    page.locator(".chat-menu summary").first.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export Markdown").click()
    markdown = Path(download.value.path()).read_text()
    assert download.value.suggested_filename.endswith(".md")
    assert "[^1]:" in markdown
    assert CITED["en"] in markdown
    with page.expect_download() as download:
        page.get_by_role("button", name="Export JSON").click()
    exported = json.loads(Path(download.value.path()).read_text())
    assert exported["turns"][0]["answer"]["citations"]
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill("Cohorts")
    page.get_by_label("New name").press("Enter")
    expect(page.locator(".chat-line a")).to_have_text("Cohorts")
    page.locator(".chat-menu summary").first.click()
    page.locator(".menu").get_by_role("button", name="Delete").click()
    page.locator("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".chat")).to_have_count(0)
    expect(page.locator("wj-turn")).to_have_count(0)
    assert CITED["en"] not in page.evaluate("JSON.stringify(localStorage)")
    page.reload()
    expect(page.locator(".chat")).to_have_count(0)


def test_refusal_is_told_and_kept(page: Page) -> None:
    """A refusal is announced as one and outlives a reload as one."""
    ask(page, UNKNOWN["en"])
    expect(page.get_by_role("status")).to_contain_text("documents do not say")
    page.reload()
    expect(page.locator("wj-turn")).to_have_class(re.compile("refused"))
