"""Drafting questions from the corpus by template, without a language model: a person reviews each one before it counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.cases import Case, Evidence
from ingest.kb import Document, KnowledgeBase, Language, Passage, Quantity, find_quantities, fold, sentence_spans, to_script

__all__ = ["SUFFIX", "draft_cases", "prefixes", "reads_alone"]

SUFFIX = {"zh-Hant": "hant", "zh-Hans": "hans", "en": "en"}
_TYPES = {"percent": "share", "number": "number", "date": "date"}
# A sentence that opens with a pronoun asks nothing when it stands alone.
_POINTS_BACK = re.compile(
    r"(?i)\s*(?:這|这|該|该|此|它|其|他們|他们|兩者|两者|(?:this|that|these|those|it|its|they|their|he|she|both|such)\b)"
)
_SKIPPED = re.compile(r"(?i)sources?$|references?$|contents$|來源|来源|參考|参考|目錄|目录|目次|附錄|附录")
# GPT-3.5, version 4, 第 57 次: a figure that names a thing, nobody asks for it.
_NAME_PART = re.compile(r"[A-Za-z]+[- ]?$|第 ?$|[（(]$")
_DEFINED_ZH = re.compile(
    r"^(?P<name>[^，。：；「」“”]{2,16}?)"
    r"(?:指的是|是指|定義為|定义为|是一種|是一种|是一個|是一个|是一家|即為|即为)(?P<rest>[^。]{8,})"
)
_DEFINED_EN = re.compile(r"^(?:An? |The )?(?P<name>[A-Z]?[\w -]{2,40}?) (?:is|are|means) (?P<rest>(?:an?|the) [^.]{20,})")
_SENTENCE = {"en": (40, 260), "zh-Hant": (14, 110), "zh-Hans": (14, 110)}


@dataclass(frozen=True, slots=True)
class _Draft:
    """A question with its answer, in the passage's language."""

    kind: str
    type: str
    question: str
    answer: str
    quote: str
    page: int


def draft_cases(kb: KnowledgeBase, *, per_document: int = 5) -> list[Case]:
    """Return drafted cases, ``reviewed_by`` empty, in a fixed order.

    Each group has the question in its passage's language; a Chinese one also in the other script. What needs a translator is left to the
    reviewer.

    Args:
        kb: Whose corpus is asked about.
        per_document: Groups of each document at most.
    """
    snapshot = kb.snapshot()
    cases: list[Case] = []
    documents = sorted(snapshot.documents.values(), key=lambda item: (item.file_name, item.id)) if snapshot else []
    for prefix, document in prefixes(documents):
        for number, (draft, language) in enumerate(_of_document(kb, document, per_document), 1):
            cases += _group(f"draft-{prefix}-{number:02d}", draft, language, document)
    return cases


def prefixes(documents: Sequence[Document]) -> Iterator[tuple[str, Document]]:
    """Yield documents with a name for their questions: the file's, numbered where several have the same."""
    names: dict[str, int] = {}
    for document in documents:
        stem = re.sub(r"[^\w]+", "-", document.file_name.rpartition(".")[0].lower()).strip("-")
        names[stem] = names.get(stem, 0) + 1
        yield stem if names[stem] == 1 else f"{stem}-{names[stem]}", document


def reads_alone(passage: Passage) -> bool:
    """Return whether a passage stands under no heading such as *Sources* or *Contents*, which nobody asks about."""
    return not any(_SKIPPED.search(heading) for heading in passage.heading)


def _of_document(kb: KnowledgeBase, document: Document, limit: int) -> list[tuple[_Draft, Language]]:
    """Return one draft a passage, kinds in turn, spread over the document."""
    by_kind: dict[str, list[tuple[_Draft, Language]]] = {"definition": [], "share": [], "date": [], "number": []}
    for passage, text in kb.catalogue.passages_of([document.id]):
        if passage.kind == "paragraph" and reads_alone(passage):
            used: set[str] = set()
            for draft in _of_passage(passage, text):
                if draft.kind not in used:
                    used.add(draft.kind)
                    by_kind[draft.kind].append((draft, passage.language))
    out: list[tuple[_Draft, Language]] = []
    quotes: set[str] = set()
    while len(out) < limit and any(by_kind.values()):
        for waiting in by_kind.values():
            # From the middle outwards would be fairer still; the first and the last in turn already reach the whole document.
            while waiting and waiting[0][0].quote in quotes:
                waiting.pop(0)
            if waiting and len(out) < limit:
                out.append(waiting.pop(0 if len(out) % 2 else -1))
                quotes.add(out[-1][0].quote)
    return out


def _of_passage(passage: Passage, text: str) -> Iterator[_Draft]:
    low, high = _SENTENCE[passage.language]
    for start, end in sentence_spans(text):
        sentence = text[start:end].strip()
        if not low <= len(sentence) <= high or "\n" in sentence or "|" in sentence or _POINTS_BACK.match(sentence):
            continue
        defined = (_DEFINED_EN if passage.language == "en" else _DEFINED_ZH).match(sentence)
        if defined:
            name = defined["name"].strip()
            yield _Draft("definition", "definition", _definition_question(name, passage.language), defined["rest"], sentence, passage.page)
        for quantity in find_quantities(fold(sentence)):
            # A bare year is told by nearly every sentence; a day or a month is worth asking for.
            if quantity.kind == "date" and len(quantity.date) < 7:
                continue
            if quantity.kind == "number" and (_NAME_PART.search(sentence[: quantity.start]) or quantity.value < 10):
                continue
            kind, answer = _TYPES[quantity.kind], sentence[quantity.start : quantity.end]
            yield _Draft(kind, kind, _gap(sentence, quantity, passage.language), answer, sentence, passage.page)


def _definition_question(name: str, language: Language) -> str:
    return {"en": f"What is {name}?", "zh-Hant": f"什麼是{name}？", "zh-Hans": f"什么是{name}？"}[language]


def _gap(sentence: str, quantity: Quantity, language: Language) -> str:
    """Return the sentence as a question for one of its figures; Chinese asks in place, English by a gap."""
    before, after = sentence[: quantity.start].lstrip(), sentence[quantity.end :].rstrip(" 。.；;！!")
    if language == "en":
        return f"Which {'date' if quantity.kind == 'date' else 'figure'} fills the gap: “{before}___{after}”?"
    # The rest of the clause is enough to know what is asked; what follows often tells the answer again.
    after = re.split(r"[，；：（(]", after, maxsplit=1)[0]
    asked = "什麼時候" if quantity.kind == "date" else "百分之多少" if quantity.kind == "percent" and quantity.unit != "points" else "多少"
    if language == "zh-Hans":
        asked = asked.replace("什麼時候", "什么时候")
    return f"{before.rstrip(' ')}{asked}{after.lstrip(' ')}？"


def _group(name: str, draft: _Draft, language: Language, document: Document) -> list[Case]:
    """Return the cases of one draft: its own language and, for Chinese, the other script."""
    languages: tuple[Language, ...] = ("en",) if language == "en" else ("zh-Hant", "zh-Hans")
    answers = tuple(dict.fromkeys(to_script(draft.answer, target) if target != language else draft.answer for target in languages))
    if language != "en":
        answers = tuple(dict.fromkeys((draft.answer, *answers)))
    return [
        Case(
            id=f"{name}-{SUFFIX[target]}",
            group_id=name,
            language=target,
            question=draft.question if target == language else to_script(draft.question, target),
            type=draft.type,
            answerable=True,
            answers=(answers,),
            evidence=(Evidence(document.file_name, draft.page, draft.quote),),
            source="draft",
        )
        for target in languages
    ]
