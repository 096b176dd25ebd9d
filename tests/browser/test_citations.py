"""U1 to U8: what a citation shows, where it leads, and what happens when it leads nowhere."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from conftest import OpenPage
from driver import CITED, DIGESTS, ROOT, UNKNOWN, Site, address, ask, slow_stream, wenju
from playwright.sync_api import Page, expect

CHECKED = 200
QUESTIONS = [
    *CITED.values(),
    "What share of tokens is programming?",
    "Which model has only one founding cohort?",
    "What is the boomerang effect?",
    "How large is the gap between American and Chinese models?",
    "What is agentic inference?",
    "How much roleplay is there among open models?",
    "编程占多少词元？",
    "ChatGPT 每周有多少用户？",
    "中国生成式人工智能用户规模有多大？",
    "DeepSeek 的采用率在哪里最高？",
    "什么是智能体推理？",
    "平均提示长度是多少？",
    "台灣的 AI 普及率是多少？",
    "什麼是玻璃鞋效應？",
    "香港的 AI 排名如何？",
    "亞洲占多少用量？",
    "權重開放模型占多少？",
    "報告怎麼分類任務？",
    "企業有多少比例使用 AI？",
    "What does the AI use brief say about tokens by country?",
    "AI 經濟有哪幾本帳？",
]


def citations_of(site: Site, questions: list[str]) -> list[dict[str, Any]]:
    found = {}
    for question in questions:
        for citation in site.answer(question)["citations"]:
            found[address(citation)] = citation
    return list(found.values())


@pytest.fixture(scope="module")
def citations(site: Site) -> list[dict[str, Any]]:
    """As many citations as are checked: of the questions above, then of the eval sets."""
    found: dict[str, dict[str, Any]] = {}
    lines = (ROOT / "eval" / "sets" / "dev.jsonl").read_text() + (ROOT / "eval" / "sets" / "test.jsonl").read_text()
    for question in [*QUESTIONS, *(json.loads(line)["question"] for line in lines.splitlines())]:
        found |= {address(citation): citation for citation in site.answer(question)["citations"]}
        if len(found) >= CHECKED:
            break
    return list(found.values())[:CHECKED]


def test_u01_numbered_chips_while_streaming(page: Page) -> None:
    """Each [n] is a named button one frame after it arrived, and keeps its number to the end."""
    slow_stream(page, 80)
    page.evaluate("""() => {
      window.seen = []; window.late = [];
      let before = 0;
      const look = () => {
        const turn = document.querySelector('wj-turn');
        const chips = [...(turn?.querySelectorAll('.answer-text .chip') ?? [])];
        if (turn?.turn.status === 'busy') {
          window.seen.push(...chips.map((chip) => [chip.dataset.cite, chip.textContent]));
          if (chips.length < before) window.late.push([before, chips.length]);
          before = ((turn.turn.partial ?? '').match(/\\[\\d+\\]/g) ?? []).length;
        }
        requestAnimationFrame(look);
      };
      look();
    }""")
    turn = ask(page, CITED["en"])
    seen = {tuple(pair) for pair in page.evaluate("window.seen")}
    chips = turn.locator(".answer-text .chip")
    last = {(chip.get_attribute("data-cite"), chip.text_content()) for chip in chips.all()}
    assert seen
    assert seen <= last
    assert page.evaluate("window.late") == []
    for chip in chips.all():
        assert chip.evaluate("chip => chip.tagName") == "BUTTON"
        cited = page.evaluate(
            "id => document.querySelector('wj-turn').turn.answer.citations.find((one) => one.id === id)", chip.get_attribute("data-cite")
        )
        label = chip.get_attribute("aria-label") or ""
        assert label.startswith(f"Source {cited['index']}: {cited['document_title']}")
        assert not cited["page"] or f"p. {cited['page']}" in label


@pytest.mark.parametrize("how", ["pointer", "keyboard"])
def test_u02_card_on_hover_and_focus(page: Page, how: str) -> None:
    """The card shows title and quote within 150 ms, stays under the pointer, is in full view, and Esc closes it."""
    turn = ask(page, CITED["en"])
    chip = turn.locator(".answer-text .chip").first
    expect(chip).to_be_visible()
    page.evaluate(
        """how => {
      const chip = document.querySelector('.answer-text .chip');
      chip.addEventListener(how === 'pointer' ? 'pointerenter' : 'focus', () => {
        const from = performance.now();
        const look = () => {
          if (document.querySelector('.card:popover-open')) window.took = performance.now() - from;
          else requestAnimationFrame(look);
        };
        look();
      }, { once: true });
    }""",
        how,
    )
    if how == "pointer":
        chip.hover()
    else:
        page.locator("body").press("Escape")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("]")
    card = page.locator(".card")
    expect(card).to_be_visible()
    page.wait_for_function("() => window.took !== undefined")
    assert page.evaluate("window.took") <= 150
    citation = page.evaluate("document.querySelector('wj-turn').turn.answer.citations[0]")
    assert card.locator(".quote").text_content() == citation["cited_text"]
    assert citation["document_title"] in (card.text_content() or "")
    box = card.bounding_box()
    assert box
    assert min(box["x"], box["y"], 1280 - box["x"] - box["width"], 800 - box["y"] - box["height"]) >= 0
    assert card.evaluate("card => card.matches(':popover-open')")
    if how == "pointer":
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=6)
        page.wait_for_timeout(400)
        expect(card).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_u03_marked_text_is_the_stored_span(page: Page, site: Site, citations: list[dict[str, Any]]) -> None:
    """What is marked is the stored span, letter by letter, and in view: 200 of 200 citations in three languages."""
    assert len(citations) == CHECKED
    assert {citation["language"] for citation in citations} == {"en", "zh-Hans", "zh-Hant"}
    wrong = []
    pages: dict[str, str] = {}
    for citation in citations:
        where = f"/v1/documents/{citation['document_id']}/pages/{citation['page'] or 1}"
        if where not in pages:
            pages[where] = site.call(where)["text"]
        stored = pages[where]
        span = stored[citation["start_char_index"] : citation["end_char_index"]]
        page.evaluate("document.querySelector('wj-source').close(false)")
        page.evaluate("hash => { location.hash = hash; }", address(citation))
        page.wait_for_selector("mark.cited")
        marked = page.evaluate("[...document.querySelectorAll('mark.cited')].map((one) => one.textContent).join('')")
        seen = page.evaluate("""() => {
          const mark = document.querySelector('mark.cited').getClientRects()[0];
          const body = document.querySelector('.source-body').getBoundingClientRect();
          return mark.top >= body.top - 1 && mark.top < body.bottom;
        }""")
        if marked != span or not seen or citation["cited_text"] not in (span, marked):
            wrong.append((address(citation), span, marked, seen))
    assert wrong == []


def test_u03_chip_opens_the_source(page: Page) -> None:
    """A click on a chip opens the panel with the cited text marked, and says which citation is open."""
    turn = ask(page, CITED["zh-Hant"])
    chip = turn.locator(".answer-text .chip").first
    chip.click()
    expect(page.locator("mark.cited").first).to_be_in_viewport()
    quoted = turn.locator(".quote").first.text_content()
    assert "".join(page.locator("mark.cited").all_text_contents()) == quoted
    expect(chip).to_have_attribute("aria-current", "true")


def test_u05_says_so_when_the_place_is_gone(page: Page) -> None:
    """Where the cited text is not on the page any more, the panel says so and marks nothing."""

    def other_text(route: Any) -> None:
        body = route.fetch().json()
        body["text"] = "x" * len(body["text"])
        route.fulfill(json=body)

    turn = ask(page, CITED["en"])
    page.route("**/v1/documents/*/pages/1", other_text)
    turn.locator(".answer-text .chip").first.click()
    expect(page.locator(".source-notes")).to_contain_text("nothing is marked")
    expect(page.locator("mark.cited")).to_have_count(0)


def test_u06_deep_link_outlives_reload_and_rebuild(scratch: Site, open_page: OpenPage) -> None:
    """The address of a citation marks the same text after a reload and after the index was built anew."""
    citation = citations_of(scratch, [CITED["en"]])[0]
    page = open_page(scratch, path=address(citation))
    expect(page.locator("mark.cited").first).to_be_in_viewport()
    page.reload()
    expect(page.locator("mark.cited").first).to_be_in_viewport()
    before = scratch.call("/readyz")["generation"]
    wenju(scratch.data_dir, "ingest", "--force", DIGESTS / "en" / f"{citation['file_name']}")
    page.wait_for_function("before => fetch('/readyz').then((r) => r.json()).then((r) => r.generation !== before)", arg=before)
    page.reload()
    expect(page.locator("mark.cited").first).to_be_in_viewport()
    assert "".join(page.locator("mark.cited").all_text_contents()) == citation["cited_text"]


def test_u07_no_source_no_claim(page: Page, site: Site) -> None:
    """What the documents do not say is refused: no chip, and the nearest passages without numbers."""
    for question in [*UNKNOWN.values(), "Who is the mayor of Kaohsiung?", "如何煮紅燒牛肉麵？"]:
        turn = ask(page, question)
        expect(turn).to_have_class(re.compile("refused"))
        expect(turn.locator(".chip, .quote-number")).to_have_count(0)
        nearest = site.answer(question)["refusal"]["nearest"]
        expect(turn.locator(".quote-item")).to_have_count(len(nearest))
        if not nearest:
            expect(turn.locator(".answer-extra")).not_to_be_empty()


def test_u08_why_this_passage(page: Page) -> None:
    """Ranks, scores and ids stand behind every quote, also as JSON to copy."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = ask(page, CITED["en"])
    turn.locator(".why summary").first.click()
    facts = turn.locator(".why .facts").first
    answer = page.evaluate("document.querySelector('wj-turn').turn.answer")
    assert re.fullmatch(r"[\w-]{8,}", answer["request_id"])
    for wanted in (
        "Request id",
        answer["request_id"],
        "Rank",
        "Relevance",
        "Relevance (",
        answer["id"],
        answer["retrieval"]["generation"],
        answer["citations"][0]["passage_id"],
    ):
        expect(facts).to_contain_text(wanted)
    turn.get_by_role("button", name="Copy as JSON").first.click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["answer_id"] == answer["id"]
    assert copied["request_id"] == answer["request_id"]
    assert copied["citation"]["cited_text"] == answer["citations"][0]["cited_text"]
    assert copied["hit"]["scores"]
    assert copied["retrieval"]["generation"]


def test_u08_no_raw_names(site: Site, open_page: OpenPage) -> None:
    """In Chinese the facts behind a quote have Chinese names, those of ranks and ways of searching too."""
    page = open_page(site, "zh-Hant")
    turn = ask(page, CITED["zh-Hant"])
    turn.locator(".why summary").first.click()
    names = turn.locator(".why .facts").first.locator("dt").all_text_contents()
    assert "名次（全文檢索）" in names
    assert [name for name in names if re.search("[a-z]", name)] == []
