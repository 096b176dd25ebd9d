"""Documents, file names and questions that try to become part of the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import OpenPage
from driver import Site, ask
from hostile import TEMPLATES
from playwright.sync_api import Dialog, FilePayload, Page, expect

# Where a template stands in its document; the question is the eighth place.
PLACES = ("title", "publisher", "tag", "heading", "paragraph", "table cell", "file name", "question")
_SEARCHED = 6

WATCH = """() => {
  window.alarms = [];
  for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => window.alarms.push(name);
  document.addEventListener('securitypolicyviolation', (event) => window.alarms.push(`${event.violatedDirective} ${event.blockedURI}`));
}"""
HEAD = "window.head = document.head.querySelectorAll('script, link, meta').length"
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
    page.evaluate(HEAD)
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
    expect(watched.locator(".column-choices .choice")).to_have_count(len(scratch.documents()))
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


# Serves the bytes of an event stream one by one: whatever a cut can break, this breaks.
BYTE_BY_BYTE = """(text) => {
  const real = (window.realFetch ??= window.fetch);
  const bytes = new TextEncoder().encode(text);
  window.fetch = async (path, options) => {
    if (!String(path).endsWith('/v1/ask')) return real(path, options);
    let at = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += 1)));
        else controller.close();
      },
    });
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  };
}"""


def _poisoned(answer: dict[str, Any], template: str) -> dict[str, Any]:
    """Return an answer every text of which is the template."""
    text = f"{template} 繁體🈶"
    place = {"document_title": template, "file_name": template, "heading": [template], "page_label": template, "cited_text": template}
    return answer | {
        "model": template,
        "llm_generated": True,
        "answer": f"{text}[1]",
        "standalone_question": template,
        "segments": [{"start": 0, "end": len(text), "text": text, "citation_ids": ["c1"]}],
        "highlights": [{"start": 0, "end": len(template), "kind": template}],
        "citations": [answer["citations"][0] | place | {"id": "c1", "index": 1, "page": 1}],
        "notes": [{"kind": "conflict", "text": template, "citation_ids": ["c1"], "values": [template]}],
        "retrieval": answer["retrieval"] | {"degraded": [template], "legs": [template]},
    }


def _events(answer: dict[str, Any]) -> str:
    events = [
        ("start", {"question": answer["question"]}),
        ("retrieval", {"candidates": 1}),
        ("citation", answer["citations"][0]),
        ("delta", {"text": answer["answer"]}),
        ("done", answer),
    ]
    return "".join(f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n" for name, data in events)


def test_hostile_model_output_cut_at_every_byte(watched: Page, scratch: Site) -> None:
    """What a model may write, into every text of an answer, stays text while it streams in single bytes, and afterwards."""
    real = scratch.answer("What was the hoatzin index of report 3?")
    for number, template in enumerate(TEMPLATES):
        answer = _poisoned(real, template)
        watched.evaluate(BYTE_BY_BYTE, _events(answer))
        turn = ask(watched, f"question {number}")
        prose = turn.locator(".answer-text").evaluate("node => node.textContent")
        assert prose == answer["answer"].removesuffix("[1]") + "1"
        assert turn.locator(".quote").first.evaluate("node => node.textContent") == template
        expect(turn.locator(".conflict")).to_contain_text(" ".join(template.split()))
        if number % _SEARCHED == 0:
            turn.locator(".answer-text .chip").hover()
            expect(watched.locator(".card .quote")).to_be_visible()
            turn.locator(".why summary").first.click()
            expect(turn.locator(".why .facts").first).to_contain_text("Rank")
            watched.keyboard.press("Escape")
        assert watched.evaluate(BORN) == []
    watched.reload()
    expect(watched.locator("wj-turn")).to_have_count(len(TEMPLATES))
    watched.evaluate(HEAD)
    assert watched.evaluate(BORN) == []


def test_hostile_eval_sets_and_results(watched: Page) -> None:
    """A set and a result whose every text is a template are text in the eval view."""
    cases = [
        {"id": f"{number} {text}", "group_id": text, "language": "en", "question": text, "type": text, "source": text,
         "answerable": True, "answers": [[text]], "evidence": [{"document": text, "page": 1, "quote": text}]}
        for number, text in enumerate(TEMPLATES)
    ]  # fmt: skip
    scores = {"accuracy": 0.0, "refused_right": None, "hit@5": 0.0}
    results = [
        {"id": case["id"], "language": "en", "answerable": True, "question": case["question"], "expected": case["answers"],
         "evidence": case["evidence"], "answer": {"language": "en", "answer": case["question"]}, "failure": case["question"],
         "citations": [{"index": 1, "file_name": case["question"], "page": 1, "cited_text": case["question"]}],
         "passages": [{"document": case["question"], "page": 1, "score": 1, "text": case["question"], "relevant": True}], "scores": scores}
        for case in cases
    ]  # fmt: skip
    headline = {text: {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9} for text in TEMPLATES}
    slices = {"document": {text: {"accuracy": {"value": 0.5, "n": 9}} for text in TEMPLATES}}
    run = {"object": "eval_run", "created": 1, "fingerprint": {"sets": TEMPLATES[:2]}, "summary": {"headline": headline, "slices": slices},
           "results": results}  # fmt: skip
    watched.evaluate("location.hash = '#/evals'")
    for name, text in (("set.jsonl", "\n".join(map(json.dumps, cases))), ("run.json", json.dumps(run))):
        file: FilePayload = {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
        watched.locator("#eval-file").wait_for(state="attached")
        watched.set_input_files("#eval-file", [file])
        if name == "set.jsonl":
            for template in TEMPLATES:
                expect(watched.locator(".draft h2")).to_have_text(" ".join(template.split()))
                assert watched.evaluate(BORN) == []
                watched.get_by_role("button", name="Skip").click()
            watched.evaluate("location.hash = '#/evals'")
        else:
            watched.locator(".case-box").first.wait_for()
            watched.evaluate("for (const box of document.querySelectorAll('.case-box')) box.open = true")
            expect(watched.locator(".case")).to_have_count(len(TEMPLATES))
            assert watched.evaluate(BORN) == []


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
