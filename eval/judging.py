"""One question asked and judged: the answer, the ranked passages, every measure, the kind of failure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from eval.askers import Asker
from eval.cases import Case, squeeze
from eval.measures import accuracy, citation, retrieval
from ingest.kb import DependencyError, SettingsError, WenjuError, detect_script

__all__ = ["judge_case"]

Scores = dict[str, float | None]
_NOTHING: dict[str, Any] = {"status": "failed", "answer": "", "segments": [], "citations": [], "timings_ms": {}}
# Failures that a text which was never read explains.
_FOR_WANT_OF_TEXT = ("not_retrieved", "retrieved_not_used", "wrong_sentence", "wrongly_refused")


def _relevance(case: Case, passages: Sequence[dict[str, Any]]) -> list[bool]:
    return [retrieval.is_relevant(p["file_name"], p["page"], p["text"], case.evidence) for p in passages]


def _failure(
    case: Case, answer: dict[str, Any], passages: Sequence[dict[str, Any]], relevance: Sequence[bool], scores: Scores
) -> str | None:
    """Return the kind of failure, None if all is well; whether the documents were read at all is for ``_result`` to say."""
    refused = answer["status"] == "refused"
    if not case.answerable:
        return None if refused else "should_have_refused"
    if scores["quote_verified"] not in (None, 1.0):
        return "wrong_quote"
    if case.answers and scores["accuracy"] == 1.0:
        return "wrong_page" if scores["page_accuracy"] == 0.0 else None
    if not case.answers:
        return None if any(relevance[:5]) else "not_retrieved"
    if refused:
        return "wrongly_refused" if any(relevance) else "not_retrieved"
    if not any(relevance):
        return "not_retrieved"
    right = {p["passage_id"] for p, flag in zip(passages, relevance, strict=True) if flag}
    used = scores["evidence_recall"] == 1.0 or any(c.get("passage_id") in right for c in answer["citations"])
    return "wrong_sentence" if used else "retrieved_not_used"


def judge_case(case: Case, asker: Asker, documents: dict[str, list[str]]) -> dict[str, Any]:
    """Return one question's result: the answer, the ranked passages, every measure, the kind of failure."""
    started = time.perf_counter()
    try:
        answer = asker.ask(case)
        seconds = time.perf_counter() - started
        passages = asker.search(answer.get("standalone_question") or case.question)
    except (DependencyError, SettingsError):
        raise
    except WenjuError as error:
        # What the system cannot answer counts as zero; it must not vanish from the figures.
        return _result(case, dict(_NOTHING), [], asker, documents, (time.perf_counter() - started) * 1000) | {
            "failure": "error",
            "error": error.message,
        }
    return _result(case, answer, passages, asker, documents, seconds * 1000)


def _result(
    case: Case, answer: dict[str, Any], passages: Sequence[dict[str, Any]], asker: Asker, documents: dict[str, list[str]], ms: float
) -> dict[str, Any]:
    relevance = _relevance(case, passages)
    refused = answer["status"] == "refused"
    judged = case.answerable and bool(case.answers)
    ranked = case.answerable and bool(case.evidence)
    scores: Scores = {
        "accuracy": float(not refused and accuracy.is_correct(answer["answer"], case.answers, case.must_not_include)) if judged else None,
        "refused_right": float(refused) if not case.answerable else None,
        "answered": float(answer["status"] in ("answered", "partial")) if judged else None,
        "hit@1": retrieval.hit_at(relevance, 1) if ranked else None,
        "hit@5": retrieval.hit_at(relevance, 5) if ranked else None,
        "hit@10": retrieval.hit_at(relevance, 10) if ranked else None,
        "mrr": retrieval.reciprocal_rank(relevance) if ranked else None,
        "ndcg@10": retrieval.ndcg_at(relevance, 10, 1) if ranked else None,
        "citation_precision": citation.precision(answer),
        "citation_coverage": citation.coverage(answer),
        "evidence_recall": citation.recall(answer, case.evidence, case.answers) if judged else None,
        "quote_verified": citation.quote_verified(answer, asker.page_text),
        "page_accuracy": citation.page_accuracy(answer, case.evidence) if judged else None,
    }
    failure = _failure(case, answer, passages, relevance, scores)
    if failure in _FOR_WANT_OF_TEXT and not _quoted(case, asker, documents):
        failure = "not_read"
    short = [
        {
            "passage_id": p["passage_id"],
            "document": p["file_name"],
            "page": p["page"],
            "score": p["score"],
            "relevant": flag,
            "text": p["text"][:400],
        }
        for p, flag in zip(passages, relevance, strict=True)
    ]
    return {
        "id": case.id,
        "group_id": case.group_id,
        "language": case.language,
        "type": case.type,
        "answerable": case.answerable,
        "follow_up": bool(case.history),
        "question": case.question,
        "expected": [list(part) for part in case.answers],
        "must_not_include": list(case.must_not_include),
        "evidence": [{"document": e.document, "page": e.page, "quote": e.quote} for e in case.evidence],
        "crosses": _crosses(case),
        "answer": {
            name: answer[name]
            for name in ("status", "answer", "standalone_question", "confidence", "llm_generated", "language")
            if name in answer
        },
        "refusal": (answer.get("refusal") or {}).get("code"),
        "citations": [
            {
                n: c[n]
                for n in (
                    "index",
                    "file_name",
                    "document_id",
                    "page",
                    "cited_text",
                    "start_char_index",
                    "end_char_index",
                    "url",
                    "verification",
                )
            }
            for c in answer["citations"]
        ],
        "passages": short,
        "scores": scores,
        "failure": failure,
        "ms": round(answer["timings_ms"].get("total", ms), 2),
        **({"usage": answer["usage"]} if answer.get("usage") else {}),
    }


def _crosses(case: Case) -> str:
    """Return ``same``, ``script`` or ``language``: what lies between the question and its evidence (by the evidence's own characters)."""
    if not case.evidence:
        return "none"
    kinds = set()
    for item in case.evidence:
        han = sum("\u4e00" <= char <= "\u9fff" for char in item.quote)
        kinds.add("zh" if han * 4 > len(item.quote.replace(" ", "")) else "en")
    own = "en" if case.language == "en" else "zh"
    if own not in kinds:
        return "language"
    if own == "en":
        return "same"
    scripts = {detect_script(item.quote) for item in case.evidence}
    return "same" if case.language in scripts or None in scripts else "script"


def _quoted(case: Case, asker: Asker, documents: dict[str, list[str]]) -> bool:
    """Return whether the text of any of a question's evidence was read; one place of several is enough to answer from."""
    for item in case.evidence:
        for name in documents.get(item.document, ()):
            if squeeze(item.quote) in squeeze(asker.page_text(name, item.page) or ""):
                return True
    return not case.evidence
