"""U15 and U16: input methods, and the whole page by keyboard."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from driver import CITED, ask, slow_stream
from playwright.sync_api import CDPSession, FilePayload, Locator, Page, expect

_ENTER = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
_PROCESS = {"key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229}


class Field:
    """An input that reacts to Enter, and how to tell that it did."""

    def __init__(self, page: Page, input_: Locator, acted: Callable[[], bool]) -> None:
        self.page, self.input, self.acted = page, input_, acted
        self.session: CDPSession = page.context.new_cdp_session(page)
        input_.fill("")
        input_.focus()

    def compose(self, text: str) -> None:
        self.session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})

    def commit(self, text: str) -> None:
        self.session.send("Input.insertText", {"text": text})

    def key(self, **event: object) -> None:
        self.session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **event})
        self.session.send("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def safari_enter(self, code: int) -> None:
        """Safari's order: the composition ends first, then comes the Enter that ended it."""
        self.input.evaluate(
            """(input, code) => {
              input.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true, data: '詞' }));
              const event = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true });
              Object.defineProperty(event, 'keyCode', { value: code });
              input.dispatchEvent(event);
            }""",
            code,
        )

    def settled(self) -> bool:
        self.page.wait_for_timeout(60)
        return self.acted()


def _chat(page: Page) -> Field:
    return Field(page, page.locator("#question"), lambda: page.locator("wj-turn").count() > 0)


def _rename(page: Page) -> Field:
    ask(page, CITED["en"])
    page.locator(".chat-menu summary").first.click()
    page.get_by_role("button", name="Rename").click()
    return Field(page, page.locator(".rename input"), lambda: page.locator(".rename input").count() == 0)


def _page_number(page: Page) -> Field:
    document = page.evaluate("fetch('/v1/documents').then((r) => r.json()).then((r) => r.data.find((one) => one.page_count > 3).id)")
    page.evaluate("id => { location.hash = `#/documents/${id}?page=2`; }", document)
    page.locator(".page-number").wait_for()
    return Field(page, page.locator(".page-number"), lambda: page.url.endswith("page=3"))


def _draft(page: Page) -> Field:
    """The question of a draft under review."""
    case = {"id": "a", "group_id": "a", "language": "zh-Hant", "question": "?", "answerable": False}
    draft: FilePayload = {"name": "a.jsonl", "mimeType": "application/jsonl", "buffer": json.dumps(case).encode()}
    page.evaluate("location.hash = '#/evals'")
    page.set_input_files("#eval-file", [draft])
    page.get_by_role("button", name="Edit").click()
    return Field(page, page.locator(".draft input"), lambda: page.locator(".draft input").count() == 0)


FIELDS = {"chat": (_chat, "詞元"), "rename": (_rename, "詞元"), "page": (_page_number, "3"), "draft": (_draft, "詞元")}


@pytest.fixture(params=FIELDS)
def field(request: pytest.FixtureRequest, page: Page) -> tuple[Field, str]:
    make, text = FIELDS[request.param]
    return make(page), text


def test_u15_enter_in_composition_is_the_input_methods(field: tuple[Field, str]) -> None:
    """Enter in a composition never acts, whatever the browser calls it; after the commit it acts, and the text is intact."""
    box, text = field
    box.compose(text)
    box.key(**_PROCESS)
    assert not box.settled()
    box.compose(text)
    box.key(**_ENTER)
    assert not box.settled()
    box.commit(text)
    assert box.input.input_value().endswith(text)
    assert not box.settled()
    box.key(**_ENTER)
    assert box.settled()


@pytest.mark.parametrize("code", [13, 229])
def test_u15_safaris_order(field: tuple[Field, str], code: int) -> None:
    """An Enter in the same gesture as the end of a composition is passed over, once."""
    box, text = field
    box.commit(text)
    box.safari_enter(code)
    assert not box.settled()
    box.page.wait_for_timeout(40)
    box.key(**_ENTER)
    assert box.settled()


def test_u15_second_enter_of_a_quick_typist(field: tuple[Field, str]) -> None:
    """Where the commit came with a key of the composition, the next Enter counts, however fast."""
    box, text = field
    box.commit(text)
    box.input.evaluate("""(input) => {
      const press = (keyCode, isComposing) => {
        const event = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, isComposing });
        Object.defineProperty(event, 'keyCode', { value: keyCode });
        input.dispatchEvent(event);
      };
      press(229, true);
      input.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true, data: '詞' }));
      press(13, false);
    }""")
    assert box.settled()


@pytest.mark.parametrize("modifier", ["Control", "Meta"])
def test_u15_shift_and_control(page: Page, modifier: str) -> None:
    """Shift+Enter breaks the line, Ctrl+Enter and Cmd+Enter send, an empty box sends nothing."""
    page.press("#question", "Enter")
    expect(page.locator("wj-turn")).to_have_count(0)
    page.fill("#question", "one")
    page.press("#question", "Shift+Enter")
    page.keyboard.type("two")
    assert page.input_value("#question") == "one\ntwo"
    expect(page.locator("wj-turn")).to_have_count(0)
    page.press("#question", f"{modifier}+Enter")
    expect(page.locator("wj-turn")).to_have_count(1)
    assert page.input_value("#question") == ""


def test_u15_escape_in_composition(page: Page) -> None:
    """Esc in a composition belongs to the input method: it stops no answer, closes no panel, ends no renaming."""
    turn = ask(page, CITED["en"])
    turn.locator(".chip").first.click()
    box = Field(page, page.locator("#question"), lambda: False)
    box.compose("ㄘˊ")
    box.key(key="Escape", code="Escape", windowsVirtualKeyCode=229)
    expect(page.locator("#panel")).to_be_visible()
    box.commit("詞")
    slow_stream(page, 20, hold_after=4)
    box.key(**_ENTER)
    expect(page.locator("#stop")).to_be_visible()
    box.compose("ㄘˊ")
    box.key(key="Escape", code="Escape", windowsVirtualKeyCode=229)
    expect(page.locator("#stop")).to_be_visible()


def test_u15_search_fields_keep_their_letters(page: Page) -> None:
    """Filters take composed text, and full-width letters find half-width ones."""
    page.goto("/#/documents")
    box = Field(page, page.get_by_label("Filter by title, file name or publisher"), lambda: False)
    expect(page.locator(".document")).not_to_have_count(0)
    box.compose("玻璃")
    box.key(key="/", code="Slash", windowsVirtualKeyCode=229)
    box.commit("玻璃鞋")
    expect(page.locator(".document")).to_have_count(1)
    box.input.fill("ＯＰＥＮＲＯＵＴＥＲ")
    expect(page.locator(".document").nth(2)).to_be_visible()


def _focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.className || document.activeElement.tagName"))


def test_u16_whole_flow_without_a_mouse(page: Page) -> None:
    """Ask, walk the citations, open a source, turn its pages, come back, all by keys; no key acts while typing."""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    assert _focused(page) == "question"
    page.keyboard.type("What is a/b [1] tokens? DeepSeek")
    assert page.input_value("#question") == "What is a/b [1] tokens? DeepSeek"
    expect(page.locator("dialog")).to_have_count(0)
    page.fill("#question", CITED["zh-Hans"])
    page.keyboard.press("Enter")
    expect(page.locator('.answer[aria-busy="false"] .chip').nth(1)).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("]")
    chips = page.locator(".answer-text .chip")
    expect(chips.nth(0)).to_be_focused()
    page.keyboard.press("]")
    expect(chips.nth(1)).to_be_focused()
    page.keyboard.press("[")
    expect(chips.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_be_visible()
    expect(page.locator(".source-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(chips.nth(0)).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Keyboard and screen reader")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_u16_tab_reaches_everything_and_leaves(page: Page) -> None:
    """Tab visits every control once and comes round: no trap; each shows a focus ring of 2 px with a contrast of 3:1."""
    turn = ask(page, CITED["en"])
    turn.locator(".why summary").first.click()
    page.evaluate("document.activeElement.blur()")
    controls = page.evaluate("""() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
      .filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0).length""")
    seen: list[str] = []
    weak = []
    for _ in range(controls + 3):
        page.keyboard.press("Tab")
        facts = page.evaluate(FOCUS)
        if facts is None:  # Over the browser's own bar, as it were.
            continue
        if facts["seen"]:
            break
        seen.append(facts["name"])
        if not facts["ring"] or facts["contrast"] < 3:
            weak.append(facts)
    assert len(seen) >= controls
    assert weak == []


# The ring is an outline, or for the question box the border of the box around it.
FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const before = one.dataset.visited === 'yes';
  one.dataset.visited = 'yes';
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = rgb(text).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element.parentElement; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      const [, , , a = 1] = rgb(color);
      if (a > 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const holder = one.closest('.composer') && one.tagName === 'TEXTAREA' ? one.closest('.composer') : one;
  const style = getComputedStyle(holder);
  const [color, ring] = holder === one
    ? [style.outlineColor, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2]
    : [style.borderColor, parseFloat(style.borderWidth) + 1 >= 2 && style.boxShadow !== 'none'];
  const [a, b] = [light(color), light(behind(holder))].sort((x, y) => y - x);
  return { seen: before, name: one.id || one.className || one.tagName, ring, contrast: (a + 0.05) / (b + 0.05) };
}"""


def test_u16_dialog_gives_the_focus_back(page: Page) -> None:
    """A dialog holds the focus while it is open and hands it back."""
    scope = page.get_by_role("button", name=re.compile("Scope"))
    scope.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(scope).to_be_focused()
