"""Documents, file names and questions that try to become part of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conftest import OpenPage
from driver import Site, ask
from hostile import TEMPLATES
from playwright.sync_api import Dialog, Page, expect

# Where a template stands in its document; the question is the eighth place.
PLACES = ("title", "publisher", "tag", "heading", "paragraph", "table cell", "file name", "question")
_SEARCHED = 6

WATCH = """() => {
  window.alarms = [];
  for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => window.alarms.push(name);
  document.addEventListener('securitypolicyviolation', (event) => window.alarms.push(`${event.violatedDirective} ${event.blockedURI}`));
}"""
# What no text may have become. The page's own script and style elements stand in its head.
BORN = """() => {
  const found = [...document.querySelectorAll('script, style, link, base, meta, iframe, object, embed, math, form[action], img')]
    .filter((one) => !(one.closest('head') && one.matches('script, link, meta')) && !one.matches('#composer, .page-image'))
    .map((one) => one.outerHTML);
  for (const one of document.querySelectorAll('*')) {
    for (const attribute of one.attributes) {
      if (/^on/i.test(attribute.name) || /^\\s*javascript:/i.test(attribute.value)) found.push(`${one.tagName} ${attribute.name}`);
      if (['href', 'src'].includes(attribute.name) && /evil/.test(new URL(attribute.value, location.href).host)) found.push(one.outerHTML);
    }
  }
  const own = document.head.querySelectorAll('script, link, meta').length;
  return [...found, ...(own === window.head ? [] : [`the head has ${own}`])];
}"""


@pytest.fixture
def watched(scratch: Site, open_page: OpenPage) -> Iterator[Page]:
    page = open_page(scratch)
    left: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda request: left.append(request.url))

    def refuse(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    page.context.on("page", lambda other: left.append(other.url))
    page.add_init_script(f"({WATCH})()")
    page.reload()
    page.evaluate("window.head = document.head.querySelectorAll('script, link, meta').length")
    yield page
    assert dialogs == []
    assert page.evaluate("window.alarms") == []
    assert [url for url in left if not url.startswith((scratch.url, "blob:", "data:"))] == []


def test_there_are_150_attempts() -> None:
    """Enough attempts, each different."""
    assert len(set(TEMPLATES)) * len(PLACES) >= 150


def test_hostile_titles_names_and_tags_in_the_library(watched: Page, scratch: Site) -> None:
    """Title, publisher, tag and file name of every document are text in the library, the scope dialog and the filters."""
    watched.evaluate("location.hash = '#/documents'")
    expect(watched.locator(".document")).to_have_count(len(scratch.documents()))
    shown = watched.locator("wj-library").inner_text()
    for document in scratch.documents().values():
        assert " ".join(document["title"].split()) in " ".join(shown.split())
    assert watched.evaluate(BORN) == []
    watched.evaluate("location.hash = '#/'")
    watched.locator("#scope button").first.click()
    expect(watched.locator(".choice-list .choice")).to_have_count(len(scratch.documents()))
    assert watched.evaluate(BORN) == []


def test_hostile_text_in_the_source_panel(watched: Page, scratch: Site) -> None:
    """Headings, paragraphs, code and table cells of every document are text on its page."""
    hostile = [document for name, document in scratch.documents().items() if re.match(r"\d\d ", name)]
    assert len(hostile) == len(TEMPLATES)
    for document in hostile:
        text = scratch.call(f"/v1/documents/{document['id']}/pages/1")["text"]
        watched.evaluate("id => { location.hash = `#/documents/${id}?page=1&start=0&end=20`; }", document["id"])
        expect(watched.locator(".source-title")).to_have_text(document["title"])
        watched.locator(".page-text").wait_for()
        assert watched.locator(".page-text").evaluate("node => node.textContent") == text
        assert watched.evaluate(BORN) == []


def test_hostile_questions_answers_and_quotes(watched: Page) -> None:
    """A question with the template is text in question, history and title; answer, quotes, cards and notes hold text only."""
    for number, template in enumerate(TEMPLATES):
        turn = ask(watched, f"What was the hoatzin index of report {number}? {template}")
        expect(turn.locator(".question")).to_contain_text(template)
        chip = turn.locator(".answer-text .chip")
        if chip.count() and number % _SEARCHED == 0:
            chip.first.hover()
            expect(watched.locator(".card")).to_be_visible()
            turn.locator(".why summary").first.click()
        assert watched.evaluate(BORN) == []
        if number % _SEARCHED == 0:
            watched.evaluate("location.hash = '#/'")
            expect(watched.locator("wj-turn")).to_have_count(0)
    watched.reload()
    assert watched.evaluate("document.querySelectorAll('.chat').length") >= 3


def test_hostile_plain_page(scratch: Site, open_page: OpenPage) -> None:
    """The page without scripts writes every template as text as well."""
    page = open_page(scratch)
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith(scratch.url) else route.abort())
    for number, template in enumerate(TEMPLATES):
        response = page.request.post("/ask", form={"question": f"What was the hoatzin index of report {number}? {template}"})
        body = response.text()
        found = page.evaluate(
            """text => {
              const page = new DOMParser().parseFromString(window.policy.createHTML(text), 'text/html');
              const odd = page.body.querySelectorAll('script, img, iframe, svg, style, link, base, meta, math, details, input, form form');
              const on = [...page.querySelectorAll('*')].flatMap((one) => [...one.attributes]).filter(({ name }) => name.startsWith('on'));
              const tag = (one) => one.outerHTML.split('>')[0];
              const far = [...page.querySelectorAll('[href], [src], [action]')].filter((one) => /evil|javascript:/.test(tag(one)));
              return [...odd, ...far].map((one) => one.outerHTML).concat(on.map(({ name }) => name));
            }""".replace("window.policy", "(window.policy ??= trustedTypes.createPolicy('test', { createHTML: (x) => x }))"),
            body,
        )
        assert found == [], template
        assert "trusted-types" not in body
