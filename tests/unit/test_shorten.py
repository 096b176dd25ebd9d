"""Sentences too long for an answer, cut at the borders of their clauses."""

from __future__ import annotations

from ingest.kb import Analyser, Document, Passage, PassageRef
from ingest.kb.lexicon import load_lexicon
from service.candidates import candidates
from service.features import features
from service.question import read_question
from service.retrieved import Hit
from service.shorten import shortened

ANALYSER = Analyser(load_lexicon())
LONG = (
    "The report, which was written over two years by people of four laboratories and read by many others before it went out, "
    "says that Qwen served 5.59 trillion tokens, that most of its readers live in other countries, and that nobody knows why."
)


def _candidate(text: str, asked: str):  # type: ignore[no-untyped-def]
    document = Document("doc_1", "0" * 64, "a.md", "A", "en", "text/markdown", 1, 1, False)
    passage = Passage("psg_1", "doc_1", 1, 10, 10 + len(text), (), "en")
    question = read_question(asked, ANALYSER)
    found = candidates([Hit(PassageRef(0, 0), passage, text, document, 1.0)], ANALYSER)
    features(question, found, dict.fromkeys(question.analysis.terms(), 1.0), ANALYSER)
    return question, found[0]


def test_the_clauses_with_what_is_asked_stay() -> None:
    question, candidate = _candidate(LONG, "How many trillion tokens did Qwen serve?")
    cut = shortened(candidate, question, 120, ANALYSER)
    assert len(cut.text) <= 120
    assert "Qwen served 5.59 trillion tokens" in cut.text
    assert LONG[cut.start - 10 : cut.end - 10] == cut.text


def test_what_fits_stays_as_it_is() -> None:
    question, candidate = _candidate(LONG, "How many trillion tokens did Qwen serve?")
    assert shortened(candidate, question, len(LONG), ANALYSER) is candidate


def test_a_sentence_of_one_clause_is_not_cut() -> None:
    text = "word " * 60
    question, candidate = _candidate(text.strip() + ".", "What is a word?")
    assert shortened(candidate, question, 50, ANALYSER) is candidate
