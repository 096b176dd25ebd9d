"""Validation of sets against the corpus: quotes really there, answers in the evidence, groups whole, scripts pure."""

from __future__ import annotations

from collections.abc import Sequence

from eval.askers import Asker
from eval.cases import LANGUAGES, Case, squeeze
from eval.measures.accuracy import holds
from eval.run import missing_documents
from ingest.kb import detect_language, detect_script

__all__ = ["check_cases"]

_ADVICE = ("group not complete", "not reviewed")


def check_cases(cases: Sequence[Case], asker: Asker) -> list[dict[str, str]]:
    """Return what was found, each with ``id``, ``fault``, ``detail`` and ``level``: ``fault``, or ``advice`` that a set can do without.

    Args:
        cases: Of one or more sets.
        asker: Whose corpus they are about.

    Raises:
        SetError: The corpus holds none of the documents that the cases name.
    """
    documents = asker.documents()
    missing_documents(cases, documents)
    faults = []
    for case in cases:
        faults += [{"id": case.id, "fault": fault, "detail": detail} for fault, detail in _case_faults(case, asker, documents)]
    faults += _group_faults(cases)
    seen: dict[tuple[str, str, tuple[str, ...]], str] = {}
    for case in cases:
        key = (squeeze(case.question), case.language, tuple(turn["content"] for turn in case.history))
        if key in seen:
            faults.append({"id": case.id, "fault": "duplicate", "detail": f"the same question as {seen[key]}"})
        seen.setdefault(key, case.id)
    return [fault | {"level": "advice" if fault["fault"] in _ADVICE else "fault"} for fault in faults]


def _case_faults(case: Case, asker: Asker, documents: dict[str, list[str]]) -> list[tuple[str, str]]:
    out = []
    if not case.answerable and (case.answers or case.evidence):
        out.append(("unanswerable with answers", "an unanswerable question has no answers and no evidence"))
    if case.answerable and not case.evidence:
        out.append(("no evidence", "an answerable question needs document, page and quote"))
    out += _script_faults(case)
    if not case.reviewed_by and case.source:
        out.append(("not reviewed", f"a draft ({case.source}): wenju eval review"))
    quotes = ""
    for item in case.evidence:
        if item.document not in documents:
            out.append(("unknown document", f"{item.document} is not in the corpus"))
            continue
        texts = [text for name in documents[item.document] if (text := asker.page_text(name, item.page)) is not None]
        if not texts:
            out.append(("unknown page", f"{item.document} has no page {item.page}"))
        elif not any(squeeze(item.quote) in squeeze(text) for text in texts):
            out.append(("quote not found", f"{item.document} p. {item.page}: {item.quote[:60]}"))
        quotes += item.quote + " "
    if quotes:
        unheld = (part for part in case.answers if not any(holds(quotes, alternative) for alternative in part))
        out += [("answer not in evidence", " / ".join(part)) for part in unheld]
    return out


def _script_faults(case: Case) -> list[tuple[str, str]]:
    """Return whether a question is in another language or script than it says; characters that both scripts share tell nothing."""
    detected = detect_language(case.question)
    if "en" in (detected, case.language):
        wrong = detected != case.language
    else:
        script = detect_script(case.question)
        detected, wrong = script or detected, script not in (None, case.language)
    # A question mostly in one script may still hold a character of the other.
    other = {"zh-Hant": "zh-Hans", "zh-Hans": "zh-Hant"}.get(case.language)
    strays = "" if other is None or wrong else "".join(char for char in case.question if detect_script(char) == other)
    out = [("script", f"the question reads as {detected}, the case says {case.language}")] if wrong else []
    return out + ([("script", f"characters of {other} in a question in {case.language}: {strays}")] if strays else [])


def _group_faults(cases: Sequence[Case]) -> list[dict[str, str]]:
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.group_id, []).append(case)
    out = []
    for name, members in groups.items():
        missing = [language for language in LANGUAGES if language not in {case.language for case in members}]
        if missing and any(case.answers or not case.answerable for case in members):
            out.append({"id": name, "fault": "group not complete", "detail": f"no question in {', '.join(missing)}"})
        if len({case.answerable for case in members}) > 1:
            out.append({"id": name, "fault": "group disagrees", "detail": "some are answerable, some are not"})
    return out
