"""U4, and what else is said of pages: the image of a cited page, its box, and where there is none."""

from __future__ import annotations

import io
from typing import Any

import pytest
from conftest import OpenPage
from driver import Site, ask
from layouts import ANIMALS, sentence, truth
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

PDF_QUESTION = "What does the AI use brief say about tokens by country?"


def open_first_image(page: Page, site: Site) -> dict[str, Any]:
    """Ask until an answer cites a PDF, show that page's image and return the citation."""
    for question in (PDF_QUESTION, "AI 經濟的幾本帳怎麼說領先者與中國？", "How many tokens are used in languages other than English?"):
        turn = ask(page, question)
        for place, citation in enumerate(site.answer(question)["citations"]):
            if citation["type"] == "page_location":
                turn.locator(".quote-source").nth(place).click()
                page.locator(".panel").get_by_role("button", name="Page image").click()
                page.wait_for_function("() => document.querySelector('.page-image')?.naturalWidth > 0")
                found: dict[str, Any] = citation
                return found
    raise AssertionError("no answer cites a PDF")


def test_u02_card_names_the_page(page: Page, site: Site) -> None:
    """The card of a citation from a PDF says the page."""
    citation = open_first_image(page, site)
    page.keyboard.press("Escape")
    page.locator(f"wj-turn:last-child .chip[data-cite={citation['id']}]").first.hover()
    expect(page.locator(".card .card-title")).to_contain_text(f"p. {citation['page']}")


def _iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0

    def area(box: tuple[float, ...]) -> float:
        return (box[2] - box[0]) * (box[3] - box[1])

    return width * height / (area(one) + area(other) - width * height)


# A page may leave its size to its parent: a reader that looks at the page alone takes it for 612 × 792.
@pytest.mark.parametrize("box", ["own", "inherited"])
def test_u04_box_is_drawn_over_the_cited_words(scratch: Site, open_page: OpenPage, box: str) -> None:
    """On a page whose layout we made, the box in the picture covers the sentence: overlap of 0.8 or more."""
    page = open_page(scratch)
    citation = scratch.answer(f"How many requests per second did {ANIMALS[box]} routers handle?")["citations"][0]
    assert citation["cited_text"] == sentence(box)
    place = f"/v1/documents/{citation['document_id']}/pages/1.webp"
    span = f"?start={citation['start_char_index']}&end={citation['end_char_index']}"
    with_box, bare = (Image.open(io.BytesIO(page.request.get(place + query).body())).convert("RGB") for query in (span, ""))
    # The box is yellow: blue tells it from what the compression changes.
    drawn = ImageChops.difference(with_box, bare).getchannel("B").point(lambda level: 255 if level > 40 else 0).getbbox()
    assert drawn
    expected = tuple(share * size for share, size in zip(truth(box), with_box.size * 2, strict=True))
    assert _iou(drawn, expected) >= 0.8


def test_u04_page_image_zooms_and_turns(page: Page, site: Site) -> None:
    """The image has a text alternative and the box's place in view; it zooms, and the pages turn."""
    citation = open_first_image(page, site)
    image = page.locator(".page-image")
    assert citation["document_title"] in (image.get_attribute("alt") or "")
    box, frame = page.locator(".page-box").first.bounding_box(), image.bounding_box()
    assert box
    assert frame
    rect = citation["rects"][0]
    shown = ((box["x"] - frame["x"]) / frame["width"], (box["y"] - frame["y"]) / frame["height"])
    assert shown == pytest.approx((rect["x0"], rect["y0"]), abs=0.01)
    expect(page.locator(".page-box").first).to_be_in_viewport()
    before = frame["width"]
    page.get_by_role("button", name="Zoom in").click()
    wider = image.bounding_box()
    assert wider
    assert wider["width"] == pytest.approx(1.5 * before, rel=0.02)
    page.get_by_role("button", name="Zoom out").click()
    number = page.locator(".page-number")
    at = int(number.input_value())
    forward = at < 10
    page.get_by_role("button", name="Next page" if forward else "Previous page").click()
    expect(page.locator(".page-number")).to_have_value(str(at + (1 if forward else -1)))
    page.get_by_role("button", name="Back to the mark").click()
    expect(page.locator(".page-number")).to_have_value(str(at))


def test_u04_no_image_falls_back_to_text(page: Page, site: Site) -> None:
    """A page whose image is missing is shown as text, with a note."""
    page.route("**/*.webp*", lambda route: route.fulfill(status=404))
    for question in (PDF_QUESTION, "AI 經濟的幾本帳怎麼說領先者與中國？"):
        turn = ask(page, question)
        numbers = [place for place, one in enumerate(site.answer(question)["citations"]) if one["type"] == "page_location"]
        if numbers:
            turn.locator(".quote-source").nth(numbers[0]).click()
            break
    page.get_by_role("button", name="Page image").click()
    expect(page.locator(".source-notes")).to_contain_text("There is no image of this page")
    expect(page.locator("mark.cited").first).to_be_visible()


_TABLE = [
    "Holder | Kind | Share | Held | Held under restriction | Pledged or frozen | Number of those",
    *(f"第{n}大股東有限公司 | 境內自然人 | 0.{n:02d}% | 2,431,{n:03d} |  |  |" for n in range(40)),
    "|  | subtotal |  |  |  | 12,345,678",
]


@pytest.mark.parametrize("size", [(1280, 800), (360, 740)], ids=["desk", "phone"])
def test_u03_a_cited_row_is_read_with_its_head(site: Site, open_page: OpenPage, size: tuple[int, int]) -> None:
    """Empty cells are cells, figures stay on one line, the head stays over the cited row, and a cell far to the right is scrolled to."""
    document = site.documents()["ai-use-brief-en.pdf"]["id"]
    text = "\n".join(_TABLE)
    starts = [sum(len(line) + 1 for line in _TABLE[:at]) for at in range(len(_TABLE))]
    blocks = [
        {"kind": "table_row", "start": start, "end": start + len(line), "header": _TABLE[0], "level": 0}
        for start, line in zip(starts, _TABLE, strict=True)
    ]
    page = open_page(site, viewport={"width": size[0], "height": size[1]})
    record = site.call(f"/v1/documents/{document}/pages/1") | {"text": text, "blocks": blocks}
    page.route(f"**/v1/documents/{document}/pages/1", lambda route: route.fulfill(json=record))

    def show(start: int, end: int) -> None:
        page.evaluate("address => { location.hash = address }", f"#/documents/{document}?page=1&start={start}&end={end}")
        page.wait_for_function(
            "wanted => [...document.querySelectorAll('mark.cited')].map((mark) => mark.textContent).join('') === wanted",
            arg=text[start:end],
        )
        expect(page.locator("mark.cited").first).to_be_in_viewport(ratio=1)

    row = 30
    show(starts[row], starts[row] + len(_TABLE[row]))
    assert page.locator(".row").evaluate_all("rows => [...new Set(rows.map((row) => row.childElementCount))]") == [7]
    visible = page.locator(".row .cell").evaluate_all("cells => cells.map((cell) => cell.innerText.trim())")
    assert not [words for words in visible if "|" in words]
    assert page.locator(".rows").inner_text().count(f"2,431,{row - 1:03d}") == 1
    for cell in page.locator(".row").nth(row).locator(".cell").all()[2:4]:
        assert cell.evaluate("cell => cell.firstChild.getClientRects().length") == 1
    head = page.locator(".row.head").bounding_box()
    cited = page.locator("mark.cited").first.bounding_box()
    assert head
    assert cited
    assert head["y"] + head["height"] <= cited["y"]
    expect(page.locator(".row.head .cell").first).to_be_in_viewport()
    show(starts[-1] + _TABLE[-1].index("12,"), len(text))


def test_u03_a_table_that_goes_on_overleaf_has_its_head(page: Page, site: Site) -> None:
    """Rows without their head on this page get the one from the page before, which is no part of this page's text."""
    document = site.documents()["ai-use-brief-en.pdf"]["id"]
    rows = _TABLE[30:35]
    text = "\n".join(rows)
    starts = [sum(len(line) + 1 for line in rows[:at]) for at in range(len(rows))]
    blocks = [
        {"kind": "table_row", "start": start, "end": start + len(line), "header": _TABLE[0], "level": 0}
        for start, line in zip(starts, rows, strict=True)
    ]
    record = site.call(f"/v1/documents/{document}/pages/1") | {"text": text, "blocks": blocks}
    page.route(f"**/v1/documents/{document}/pages/1", lambda route: route.fulfill(json=record))
    page.evaluate("address => { location.hash = address }", f"#/documents/{document}?page=1&start={starts[1]}&end={starts[2] - 1}")
    expect(page.locator(".row.head")).to_have_count(1)
    expect(page.locator(".row.head .cell").first).to_have_text("Holder |", use_inner_text=False)
    assert "".join(page.locator("mark.cited").all_text_contents()) == rows[1]
    assert "".join(page.locator(".row:not(.before)").all_text_contents()) == text
