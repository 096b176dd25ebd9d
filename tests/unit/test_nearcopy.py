"""A sentence that repeats the source with something else in it."""

from __future__ import annotations

import pytest

from ingest.kb.analyse import Analyser
from ingest.kb.lexicon import load_lexicon
from service.claims import read_sentence
from service.nearcopy import altered
from service.support import make_source

SOURCE = (
    "The plan was to stop the talks between Japan and Mexico before the attack. "
    "The museum opened its doors to the public in 1902, and the park beside it followed. "
    "Most of the visitors of 1960 came from France by train. "
    "Of the visitors, 42% came by train and 31% by ship."
)


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return Analyser(load_lexicon())


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("The museum opened its doors to the public in 1902.", False),
        ("The museum opened its doors to the public in 1960.", True),
        ("The museum never opened its doors to the public in 1902.", True),
        ("Most of the visitors of 1960 came from Japan by train.", True),
        ("Most of the visitors of 1960 came from France.", False),
        # Not a copy: other checks decide.
        ("In 1902 a park followed.", False),
        ("Penguins sleep standing on one leg in Japan.", False),
        # The clauses in another order.
        ("The park beside it followed, and the museum opened its doors to the public in 1902.", False),
        ("博物館在 1960 年開放。", False),
    ],
)
def test_another_name_date_or_denial_in_the_same_place_is_found(analyser: Analyser, claim: str, expected: bool) -> None:
    assert altered(read_sentence(claim, analyser), make_source(SOURCE, analyser)) is expected


def test_names_that_change_places_are_found(analyser: Analyser) -> None:
    source = make_source("日本計劃是在襲擊前中止與美國的協商。", analyser)
    assert altered(read_sentence("美國計劃是在襲擊前中止與日本的協商。", analyser), source)
    assert not altered(read_sentence("日本計劃是在襲擊前中止與美國的協商。", analyser), source)
