"""U17 to U20: screen readers, WCAG 2.2, small screens, the dark."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from conftest import OpenPage
from driver import CITED, UNKNOWN, Site, ask, slow_stream
from playwright.sync_api import FilePayload, Page, expect

LANGUAGES = ["zh-Hant", "zh-Hans", "en"]
TOLD = {
    "en": ["The share was 40% in month five.", "It held, unlike others.", "See item 3 of the list."],
    "zh-Hans": ["第五个月的占比是 40%。", "它没有像其他模型那样下降。", "见清单第 3 项。"],
    "zh-Hant": ["第五個月的占比是 40%。", "它沒有像其他模型那樣下降。", "見清單第 3 項。"],
}
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def _violations(page: Page) -> list[dict[str, Any]]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # axe-core tells colours apart only where nothing is half faded.
    page.wait_for_timeout(50)
    found = axe.run(page, options={"runOnly": {"type": "tag", "values": _TAGS}, "resultTypes": ["violations"]}).response["violations"]
    return [{"rule": one["id"], "where": [node["html"][:160] for node in one["nodes"]]} for one in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_in_any_state(site: Site, open_page: OpenPage, language: str, theme: str) -> None:
    """No violation of WCAG 2.2 A and AA, nor of best practice: empty, answer, refusal, open source, library, runs, run, review."""
    page = open_page(site, language, theme)
    expect(page.locator(".idea").first).to_be_visible()
    found = {"empty": _violations(page)}
    turn = ask(page, CITED[language])
    turn.locator(".why summary").first.click()
    found["answer"] = _violations(page)
    turn.locator(".chip").first.click()
    expect(page.locator("mark.cited").first).to_be_visible()
    found["source"] = _violations(page)
    page.keyboard.press("Escape")
    ask(page, UNKNOWN[language])
    found["refusal"] = _violations(page)
    page.evaluate("location.hash = '#/documents'")
    expect(page.locator(".document").first).to_be_visible()
    found["library"] = _violations(page)
    if not site.call("/v1/evals")["data"]:
        case = {"id": "a", "group_id": "a", "language": "en", "question": CITED["en"], "answerable": True, "answers": [["x"]]}
        for name in ("one", "two"):
            site.call("/v1/evals", {"name": name, "cases": [case]})
    page.evaluate("location.hash = '#/evals'")
    expect(page.locator(".run h2 a")).to_have_count(2)
    found["runs"] = _violations(page)
    page.locator(".run h2 a").first.click()
    page.locator(".case-box summary").first.click()
    found["run"] = _violations(page)
    page.evaluate("location.hash = '#/evals'")
    draft = {"id": "a", "group_id": "a", "language": "en", "question": "Why?", "answerable": True, "answers": [["x"]]}
    draft["evidence"] = [{"document": "state-of-ai-retention.md", "page": 1, "quote": "x"}]
    file: FilePayload = {"name": "a.jsonl", "mimeType": "application/jsonl", "buffer": json.dumps(draft).encode()}
    page.set_input_files("#eval-file", [file])
    page.locator(".draft").wait_for()
    found["review"] = _violations(page)
    assert {state: faults for state, faults in found.items() if faults} == {}


# Each thing that the status says, with the language of what it quotes.
_LISTEN = """() => {
  window.said = [];
  const status = document.getElementById('status');
  new MutationObserver(() => window.said.push([status.textContent, status.querySelector('[lang]')?.lang ?? '']))
    .observe(status, { childList: true });
}"""


def test_u17_one_polite_status_and_a_quiet_answer(page: Page) -> None:
    """The answer is no live region; one polite status says searching, answering, ready; the answer is busy meanwhile."""
    page.evaluate(_LISTEN)
    slow_stream(page, 40)
    page.fill("#question", CITED["en"])
    page.press("#question", "Enter")
    expect(page.locator("wj-turn .answer")).to_have_attribute("aria-busy", "true")
    expect(page.locator("wj-turn .answer")).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("status")).to_contain_text("Answer ready")
    answer = page.evaluate("document.querySelector('wj-turn').turn.answer")
    count = len(answer["citations"])
    said = [text for text, _ in page.evaluate("window.said")]
    assert len(said) == 3, said
    assert said[0] == "Searching the documents…"
    assert re.fullmatch(r"\d+ passages? may be relevant; answering…", said[1])
    assert said[2] == f"Answer ready, {count} source{'s' if count != 1 else ''}."
    live = page.evaluate("[...document.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]')].map((one) => one.id)")
    assert live == ["status"]
    expect(page.get_by_role("heading", name=CITED["en"])).to_have_count(1)
    levels = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4')].filter((one) => one.checkVisibility()).map((one) => +one.tagName[1])"
    )
    assert all(after - before <= 1 for before, after in pairwise(levels))


def _stream(site: Site, language: str) -> str:
    """Return an answer of three sentences as the service would stream it; the last one has two citations."""
    answer = site.answer(CITED[language]) | {"language": language, "status": "answered", "notes": [], "highlights": [], "segments": []}
    cited = answer["citations"][0]
    answer["citations"] = [cited | {"id": f"c{index}", "index": index} for index in (1, 2)]
    frames: list[tuple[str, Any]] = [("start", {}), ("retrieval", {"candidates": 7, "language": language, "passages": []})]
    text = ""
    for place, sentence in enumerate(TOLD[language]):
        start = len(text) + (1 if text else 0)
        piece = f"{' ' if text else ''}{sentence}[1]{'[2]' if place == 2 else ''}"
        answer["segments"].append({"start": start, "end": start + len(sentence), "text": sentence, "citation_ids": ["c1"]})
        frames += [("citation", one) for one in answer["citations"]] if not text else []
        frames.append(("delta", {"text": piece}))
        text += piece
    frames.append(("done", answer | {"answer": text}))
    return "".join(f"event: {name}\ndata: {json.dumps(payload)}\n\n" for name, payload in frames)


@pytest.mark.parametrize("delay", [60, 0], ids=["in pieces", "at once"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_u17_sentence_by_sentence_for_who_wants_it(site: Site, open_page: OpenPage, language: str, delay: int) -> None:
    """By a setting the status reads each sentence when it is whole, once, in its language, without marks; then that the answer is ready."""
    page = open_page(site, language)
    page.click("#help")
    page.locator("dialog input[type=checkbox]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    page.reload()
    page.click("#help")
    expect(page.locator("dialog input[type=checkbox]")).to_be_checked()
    page.keyboard.press("Escape")
    body = _stream(site, language)
    page.route("**/v1/ask", lambda route: route.fulfill(body=body, content_type="text/event-stream"))
    page.evaluate(_LISTEN)
    slow_stream(page, delay)
    ask(page, CITED[language])
    page.wait_for_function("() => window.said.at(-1)[0].includes('2')")
    said = page.evaluate("window.said")[2:]
    ready = page.evaluate("document.getElementById('status').lastChild.textContent")
    assert re.search(r"\b2\b", ready)
    assert "".join(text for text, _ in said).replace(" ", "") == "".join([*TOLD[language], ready]).replace(" ", "")
    assert {lang for text, lang in said if text != ready} == {language}
    if delay:
        assert [text for text, _ in said[:2]] == TOLD[language][:2], "each by itself, and when it is whole"
    live = page.evaluate("[...document.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]')].map((one) => one.id)")
    assert live == ["status"]


def test_u17_a_refusal_is_read_too(page: Page) -> None:
    """Who has sentences read is told the refusal in full; who has not is told that there is one."""
    page.evaluate(_LISTEN)
    for wants in (False, True):
        page.evaluate("on => localStorage.setItem('wenju.settings', JSON.stringify({ language: 'en', sentences: on }))", wants)
        ask(page, UNKNOWN["en"])
        answer = page.evaluate("[...document.querySelectorAll('wj-turn')].at(-1).turn.answer")
        message = answer["refusal"]["message"]
        expect(page.get_by_role("status")).to_contain_text("The documents do not say")
        assert (message in (page.get_by_role("status").text_content() or "")) is wants


_SMALL = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.visually-hidden, .skip'))
  .filter((one) => !one.matches('input[type=checkbox], input[type=radio]') || !one.closest('label'))
  .map((one) => [one.className || one.tagName, one.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([name, box]) => `${name} ${box.width.toFixed(1)} x ${box.height.toFixed(1)}`)"""


@pytest.mark.parametrize("width", [1280, 360])
def test_u18_targets_of_24_pixels(site: Site, open_page: OpenPage, width: int) -> None:
    """Everything to press measures 24 × 24 px or more, chips too."""
    page = open_page(site, "zh-Hant", viewport={"width": width, "height": 800})
    turn = ask(page, CITED["zh-Hant"])
    turn.locator(".why summary").first.click()
    small = page.evaluate(_SMALL)
    turn.locator(".chip").first.click()
    expect(page.locator("mark.cited").first).to_be_visible()
    small += page.evaluate(_SMALL)
    page.keyboard.press("Escape")
    page.evaluate("location.hash = '#/documents'")
    expect(page.locator(".document").first).to_be_visible()
    assert small + page.evaluate(_SMALL) == []


_SIDEWAYS = """() => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  const out = [...document.querySelectorAll('main *, .bar *, #panel *')]
    .filter((one) => one.checkVisibility() && !one.closest('.visually-hidden, .skip, .rows, .table-frame, .page-sheet, .history'))
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.className || one.tagName);
  return wide > 0 || out.length ? [wide, ...out] : [];
}"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_u18_reflow_and_zoom(site: Site, open_page: OpenPage, language: str) -> None:
    """At 320 px, and at 1280 px zoomed to 200 %, nothing scrolls sideways in any view."""
    page = open_page(site, language)
    found = []

    def look() -> None:
        for width, height in ((320, 640), (640, 400)):
            page.set_viewport_size({"width": width, "height": height})
            found.append(page.evaluate(_SIDEWAYS))

    look()
    turn = ask(page, CITED[language])
    turn.locator(".why summary").first.click()
    look()
    turn.locator(".chip").first.click()
    expect(page.locator("mark.cited").first).to_be_visible()
    look()
    page.keyboard.press("Escape")
    page.evaluate("location.hash = '#/documents'")
    expect(page.locator(".document").first).to_be_visible()
    look()
    assert [one for one in found if one] == []


def test_u18_focus_is_never_hidden(site: Site, open_page: OpenPage) -> None:
    """The question box at the foot never covers what has the focus (2.4.11)."""
    page = open_page(site, viewport={"width": 1000, "height": 480})
    for question in (CITED["en"], "What is agentic inference?"):
        ask(page, question)
    page.evaluate("document.getElementById('scroller').scrollTop = 0; document.activeElement.blur()")
    page.locator(".answer-text .chip").first.focus()
    hidden = []
    for _ in range(30):
        page.keyboard.press("Tab")
        facts = page.evaluate("""() => {
          const one = document.activeElement;
          if (!one.closest('.scroller')) return null;
          const box = one.getBoundingClientRect();
          const frame = document.getElementById('scroller').getBoundingClientRect();
          const shown = Math.min(box.bottom, frame.bottom) - Math.max(box.top, frame.top);
          return shown > 0 ? null : one.className;
        }""")
        if facts:
            hidden.append(facts)
    assert hidden == []


def test_u18_reduced_motion(site: Site, open_page: OpenPage) -> None:
    """Who asked for less motion sees none."""
    page = open_page(site, reduced_motion="reduce")
    slow_stream(page, 20, hold_after=2)
    page.fill("#question", CITED["en"])
    page.press("#question", "Enter")
    expect(page.locator(".turn-state")).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate("getComputedStyle(document.querySelector('.turn-state'), '::before').animationName") == "none"


@pytest.mark.parametrize("language", LANGUAGES)
def test_u19_phone(site: Site, open_page: OpenPage, language: str) -> None:
    """At 360 × 640 the question box is in view, types at 16 px, the source is a sheet over the whole width; nothing scrolls sideways."""
    page = open_page(site, language, viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    found = [page.evaluate(_SIDEWAYS)]
    turn = ask(page, CITED[language])
    box = page.locator("#composer").bounding_box()
    assert box
    assert box["y"] + box["height"] <= 640
    assert page.evaluate("parseFloat(getComputedStyle(document.getElementById('question')).fontSize)") >= 16
    found.append(page.evaluate(_SIDEWAYS))
    # The keyboard of a phone takes half of the screen: the box stays above it.
    page.set_viewport_size({"width": 360, "height": 330})
    page.locator("#question").tap()
    box = page.locator("#composer").bounding_box()
    assert box
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 330
    page.set_viewport_size({"width": 360, "height": 640})
    turn.locator(".chip").first.tap()
    expect(page.locator("mark.cited").first).to_be_in_viewport()
    panel = page.locator("#panel").bounding_box()
    assert panel
    assert (panel["x"], panel["width"]) == (0, 360)
    assert page.locator(".card:popover-open").count() == 0
    found.append(page.evaluate(_SIDEWAYS))
    assert [one for one in found if one] == []
    # Under the sheet nothing takes the focus.
    assert page.evaluate("document.getElementById('main').inert") is True


def test_u20_dark_follows_the_system_and_the_switch(site: Site, open_page: OpenPage) -> None:
    """The system's wish holds until the switch says otherwise, and the switch is remembered."""
    page = open_page(site, theme="system", color_scheme="dark")
    assert _paper(page) < 60
    page.emulate_media(color_scheme="light")
    assert _paper(page) > 200
    page.click("#theme")
    page.click("#theme")
    assert _paper(page) < 60
    page.reload()
    assert _paper(page) < 60


def test_u20_no_flash(site: Site, open_page: OpenPage) -> None:
    """The saved theme and language are there before the page's scripts are: nothing flashes."""
    page = open_page(site, "en", "dark")
    page.route("**/web/main.js", lambda route: route.abort())
    page.reload()
    assert _paper(page) < 60
    assert page.evaluate("document.documentElement.lang") == "en"


def _paper(page: Page) -> float:
    return float(page.evaluate("Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number))"))
