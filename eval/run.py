"""A run: every question asked once, judged, summed up."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from eval.askers import Asker
from eval.cases import Case, squeeze
from eval.measures import accuracy, citation, retrieval
from eval.summary import summarise

__all__ = ["Progress", "judge_case", "run_cases"]

Progress = Callable[[int, int], None]
_FORMAT = 1


def _relevance(case: Case, passages: Sequence[dict[str, Any]]) -> list[bool]:
    return [retrieval.is_relevant(p["file_name"], p["page"], p["text"], case.evidence) for p in passages]


def _failure(case: Case, answer: dict[str, Any], relevance: Sequence[bool], scores: dict[str, float | None], known: bool) -> str | None:
    """Return the kind of failure, None if all is well."""
    refused = answer["status"] == "refused"
    if not case.answerable:
        return None if refused else "should_have_refused"
    if scores["quote_verified"] not in (None, 1.0):
        return "wrong_quote"
    if case.answers and scores["accuracy"] == 1.0:
        return "wrong_page" if scores["page_accuracy"] == 0.0 else None
    if not case.answers:
        return None if any(relevance[:5]) else "not_retrieved" if known else "not_read"
    if not known:
        return "not_read"
    if refused:
        return "wrongly_refused" if any(relevance) else "not_retrieved"
    if not any(relevance):
        return "not_retrieved"
    return "wrong_sentence" if scores["evidence_recall"] == 0.0 or scores["evidence_recall"] is None else "retrieved_not_used"


def judge_case(case: Case, asker: Asker, documents: dict[str, list[str]]) -> dict[str, Any]:
    """Return one question's result: the answer, the ranked passages, every measure, the kind of failure."""
    started = time.perf_counter()
    answer = asker.ask(case)
    seconds = time.perf_counter() - started
    passages = asker.search(case)
    relevance = _relevance(case, passages)
    refused = answer["status"] == "refused"
    judged = case.answerable and bool(case.answers)
    ranked = case.answerable and bool(case.evidence)
    scores: dict[str, float | None] = {
        "accuracy": float(not refused and accuracy.is_correct(answer["answer"], case.answers, case.must_not_include)) if judged else None,
        "refused_right": float(refused) if not case.answerable else None,
        "answered": float(not refused) if judged else None,
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
    known = all(item.document in documents for item in case.evidence) and _quoted(case, asker, documents)
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
        "failure": _failure(case, answer, relevance, scores, known),
        "ms": round(answer["timings_ms"].get("total", seconds * 1000), 2),
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
    from ingest.kb import detect_script

    scripts = {detect_script(item.quote) for item in case.evidence}
    return "same" if case.language in scripts or None in scripts else "script"


def _quoted(case: Case, asker: Asker, documents: dict[str, list[str]]) -> bool:
    for item in case.evidence:
        for name in documents.get(item.document, ()):
            if squeeze(item.quote) in squeeze(asker.page_text(name, item.page) or ""):
                return True
    return not case.evidence


def _commit() -> str:
    try:
        found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()


def _resume(path: Path | None, fingerprint: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the results that an interrupted run of the same state left; a torn last line is dropped."""
    if path is None or not path.exists():
        return {}
    out: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(path.read_text("utf-8").split("\n")):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if number == 0:
            if record != fingerprint:
                return {}
            continue
        out[record["id"]] = record
    return out


def run_cases(
    cases: Sequence[Case],
    asker: Asker,
    *,
    names: Sequence[str] = (),
    workers: int = 2,
    progress: Progress | None = None,
    partial: Path | None = None,
) -> dict[str, Any]:
    """Return the run: fingerprint, summary and every question's result, in the order of the cases.

    Args:
        cases: Questions.
        asker: The system under test.
        names: Of the set files.
        workers: Questions asked side by side.
        progress: Is told how many are done.
        partial: File that keeps finished questions until the run is whole, so that a run cut short goes on where it was.

    Raises:
        DependencyError: The service does not answer; what was done is kept in ``partial``.
    """
    fingerprint = {"format": _FORMAT, "commit": _commit(), "sets": list(names), "questions": len(cases), **asker.fingerprint()}
    done = _resume(partial, fingerprint)
    documents = asker.documents()
    todo = [case for case in cases if case.id not in done]
    log = None
    if partial is not None:
        log = partial.open("a" if done else "w", encoding="utf-8")
        if not done:
            log.write(json.dumps(fingerprint, ensure_ascii=False) + "\n")
    try:
        with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
            for result in pool.map(lambda case: judge_case(case, asker, documents), todo):
                done[result["id"]] = result
                if log is not None:
                    log.write(json.dumps(result, ensure_ascii=False) + "\n")
                    log.flush()
                if progress is not None:
                    progress(len(done), len(cases))
    finally:
        if log is not None:
            log.close()
    results = [done[case.id] for case in cases]
    if partial is not None:
        partial.unlink(missing_ok=True)
    return {
        "object": "eval_run",
        "created": int(time.time()),
        "fingerprint": fingerprint,
        "summary": summarise(results),
        "results": results,
    }
