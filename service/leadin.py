"""Sentences that only lead to what is said next: ``The order is this:`` before a list, a word or two in bold before a paragraph.

They are no answer by themselves. In an answer they go on with what they lead to, as far as there is room for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from ingest.kb import Analyser, Page, sentence_spans
from ingest.kb.tokens import is_han
from service.candidates import Candidate

__all__ = ["completed", "leads_in", "runs_in", "says_the_opposite"]

_COLON = re.compile(r"[:：][\s\"”』」*)）]*$")
_DENIED = re.compile(r"^\W*(?:不|非|別|别|無|无|未|勿|not\b|never\b|don['’]t|do not\b|avoid\b|unsuitable)", re.IGNORECASE)
_DENIES = re.compile(
    r"不(?!同|少|僅|仅|只|過|过|管|論|论|斷|断)|別用|别用|勿|\bnot\b|n['’]t\b|\bnever\b|\bavoid|\bunsuitable", re.IGNORECASE
)
# A heading set in the line of its paragraph is this long at most, in characters of Han or in words.
_HAN, _WORDS = 8, 3
# Sentences of the paragraph that follow are taken until there are so many.
_SENTENCES = 2


def leads_in(text: str) -> bool:
    """Return whether a sentence ends in a colon."""
    return bool(_COLON.search(text))


def says_the_opposite(candidate: Candidate, asked: str) -> bool:
    """Return whether a lead-in names what is asked about, and denies it where the question does not, or the reverse.

    適合： and 不適合： hold the same words of a question.
    """
    if not (leads_in(candidate.text) and candidate.matched):
        return False
    return bool(_DENIED.match(candidate.text)) != bool(_DENIES.search(asked))


def runs_in(text: str) -> bool:
    """Return whether a sentence is so short that it may be a heading in the line of its paragraph: 按成本分流。 / Cost."""
    han = sum(map(is_han, text))
    return 0 < han <= _HAN if han else 0 < len(text.split()) <= _WORDS


def completed(candidate: Candidate, page: Page, analyser: Analyser, *, fits: Callable[[str], bool], several: bool = False) -> Candidate:
    """Return a sentence with what it leads to; as it is where it leads to nothing, or to nothing that fits.

    Args:
        candidate: The sentence.
        page: That it stands on.
        analyser: For the longer text.
        fits: Returns whether a text is short enough.
        several: Whether several things are asked for, so that an item of a list stands for the list, if all of it fits.
    """
    if candidate.hit.passage.kind == "table_row":
        return candidate
    if several and (whole := _list_around(candidate, page)) is not None and fits(page.text[slice(*whole)]):
        text = page.text[slice(*whole)]
        return replace(candidate, start=whole[0], end=whole[1], text=text, analysis=analyser.analyse(text))
    colon = leads_in(candidate.text)
    end = candidate.end
    for stop in _stops(candidate, page) if colon or _opens(candidate, page) else ():
        if not fits(page.text[candidate.start : stop]):
            break
        end = stop
    if end == candidate.end:
        return candidate
    text = page.text[candidate.start : end]
    return replace(candidate, end=end, text=text, analysis=analyser.analyse(text))


def _block_of(candidate: Candidate, page: Page) -> int | None:
    """Return the place of the block that a sentence begins in."""
    return next((i for i, block in enumerate(page.blocks) if block.start <= candidate.start < block.end), None)


def _leads(page: Page, place: int) -> bool:
    block = page.blocks[place]
    return leads_in(page.text[block.start : block.end])


def _items(page: Page, lead: int, last: int) -> Iterator[int]:
    """Yield where the items of the list under a block end, as far as they end by ``last`` and none leads to a list of its own."""
    for place in range(lead + 1, len(page.blocks)):
        block = page.blocks[place]
        if block.kind != "list_item" or block.end > last or _leads(page, place):
            return
        yield block.end


def _list_around(candidate: Candidate, page: Page) -> tuple[int, int] | None:
    """Return the span of a short list, with the sentence that leads to it, that a sentence is an item of; None if it is none."""
    passage, first = candidate.hit.passage, _block_of(candidate, page)
    if first is None or page.blocks[first].kind != "list_item" or _leads(page, first):
        return None
    while first > 0 and page.blocks[first].kind == "list_item" and not _leads(page, first):
        first -= 1
    lead = page.blocks[first]
    if not _leads(page, first) or lead.start < passage.start:
        return None
    ends = list(_items(page, first, passage.end))
    return (sentence_spans(page.text, lead.start, lead.end)[-1][0], ends[-1]) if ends and ends[-1] >= candidate.end else None


def _opens(candidate: Candidate, page: Page) -> bool:
    """Return whether a short sentence stands at the head of a paragraph that goes on."""
    if not runs_in(candidate.text) or candidate.analysis.quantities:
        return False
    return any(block.start == candidate.start and candidate.end < block.end and block.kind == "paragraph" for block in page.blocks)


def _stops(candidate: Candidate, page: Page) -> Iterator[int]:
    """Yield where what a sentence leads to may end: after each next sentence of its paragraph, or each item of the list under it."""
    last, place = candidate.hit.passage.end, _block_of(candidate, page)
    if place is None:
        return
    rest = sentence_spans(page.text, candidate.end, page.blocks[place].end)
    items = [] if rest else list(_items(page, place, last))
    following = page.blocks[place + 1] if place + 1 < len(page.blocks) else None
    if not rest and not items and following is not None and following.kind == "paragraph":
        rest = sentence_spans(page.text, following.start, following.end)
    yield from items
    yield from (end for _, end in rest[:_SENTENCES] if end <= last)
