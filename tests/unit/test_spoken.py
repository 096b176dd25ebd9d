"""A model's text cut into sentences as it comes, and its marks read."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from service.spoken import sentences as _sentences
from service.spoken import split as _split
from service.spoken import tidy as _tidy


async def _pieces(text: str, size: int) -> AsyncIterator[str]:
    for at in range(0, len(text), size):
        yield text[at : at + size]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("甲占 31%。[1]乙占 13.0%[2]。丙。", ["甲占 31%。[1]", "乙占 13.0%[2]。", "丙。"]),
        ("It is 3.5 per cent.[1] It grew[2]. Done", ["It is 3.5 per cent.[1]", " It grew[2].", " Done"]),
        ("他說：「好。」[1]然後走了。[2][3]", ["他說：「好。」[1]", "然後走了。[2][3]"]),
        ("甲。[1, 2] 乙。 [3]", ["甲。[1, 2]", " 乙。 [3]"]),
        ("- 甲[1]\n- 乙[2]\n", ["- 甲[1]\n", "- 乙[2]\n"]),
        ("真的嗎？！[1]對！[2]", ["真的嗎？！[1]", "對！[2]"]),
        ("NO_ANSWER", ["NO_ANSWER"]),
        ("", []),
        ("   \n ", []),
    ],
)
def test_a_text_is_cut_after_its_stops_and_marks(text: str, sentences: list[str]) -> None:
    found = [sentence for sentence in _split(text, final=True)[0] if sentence.strip()]
    assert found == sentences


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 100])
async def test_the_size_of_the_pieces_changes_nothing(size: int) -> None:
    text = "甲占 31%。[1] 乙在 2025 年占 13.0%。[2][3]\nIt is 3.5 per cent. [4] 丙[5]。"
    whole = [s.strip() for s in _split(text, final=True)[0] if s.strip()]
    found = [s.strip() async for s in _sentences(_pieces(text, size)) if s.strip()]
    assert found == whole


async def test_a_sentence_comes_as_soon_as_the_next_begins() -> None:
    heard: list[str] = []

    async def pieces() -> AsyncIterator[str]:
        for piece in ("甲。", "[1]", "乙"):
            heard.append(piece)
            yield piece

    sentences = _sentences(pieces())
    assert await anext(sentences) == "甲。[1]"
    assert heard == ["甲。", "[1]", "乙"]


async def test_a_model_that_never_stops_is_stopped() -> None:
    told = 0

    async def forever() -> AsyncIterator[str]:
        nonlocal told
        while True:
            told += 1
            yield "沒有句號 " * 100

    assert len([s async for s in _sentences(forever())]) >= 1
    assert told < 100


@pytest.mark.parametrize(
    ("text", "language", "tidy"),
    [
        ("- **中国**模型占 13.0% 。", "zh-Hant", "中國模型佔 13.0%。"),
        ("1. 見 [這裡](https://example.org/x)。", "zh-Hant", "見 這裡。"),
        ("![圖](https://example.org/x.png)", "zh-Hans", "图"),
        ("中國軟體", "zh-Hans", "中国软件"),
        ("a  b\n c .", "en", "a b c."),
    ],
)
def test_marks_of_lists_and_links_are_dropped_and_the_script_is_the_askers(text: str, language: str, tidy: str) -> None:
    assert _tidy(text, language) == tidy  # type: ignore[arg-type]
