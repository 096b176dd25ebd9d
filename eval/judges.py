"""The second tier: a language model as judge, by LlamaIndex's evaluators, with pinned model and prompts.

A judge's verdict moves with its model, its prompt and chance. So the model has to be named, the prompts stand here and not in a library
that may change them, each answer is judged several times, and a verdict that cannot be read counts as a failure, never as a gap.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from eval.measures.intervals import bootstrap
from ingest.kb import DependencyError, Settings, SettingsError

__all__ = ["CORRECT", "FAITHFUL", "judge_run"]

FAITHFUL = """Is the information supported by the context? Say YES if every statement of the information is said by the context, in whatever
language or Chinese script; otherwise say NO. Write one word and nothing else: YES or NO.

Information: {query_str}

Context: {context_str}

Answer: """
CORRECT = """Grade an answer to a question against the reference. The reference lists what the answer has to say; parts are joined by " + ",
alternatives by " / ". Languages and Chinese scripts may differ. Write a number from 1 to 5 on the first line and the reason on the second.
5: says all of the reference. 4: says all of it beside something of no use. 3 or 2: says some of it, or contradicts itself. 1: none of it.

Question: {query}
Reference: {reference_answer}
Answer: {generated_answer}"""
_PASS = 4.0
_AT_ONCE = 4
_TIMEOUT_S = 120
_GIVE_UP_AFTER = 5
_MARK = re.compile(r"\[\d+\]")
Verdict = float | None


def _model(settings: Settings, name: str) -> Any:
    """Return the judge as a LlamaIndex LLM: another model of the configured endpoint, without chance."""
    if ":" in settings.llm.provider:
        module, _, kind = settings.llm.provider.partition(":")
        return getattr(import_module(module), kind)(**({"model": name} | dict(settings.llm.options)))
    if not settings.llm.base_url:
        raise SettingsError("there is no endpoint to judge with", hint="Set WENJU_LLM__BASE_URL; --judge names the model there.")
    from llama_index.llms.openai_like import OpenAILike

    return OpenAILike(
        model=name,
        api_base=settings.llm.base_url,
        api_key=settings.llm.api_key.get_secret_value() or "none",
        is_chat_model=True,
        context_window=settings.llm.context_tokens + settings.llm.max_tokens,
        temperature=0.0,
        max_tokens=200,
        max_retries=2,
        timeout=_TIMEOUT_S,
    )


def _yes_or_no(said: str) -> Verdict:
    """Return a verdict in words as a number; the evaluator itself takes everything without a yes for a no."""
    word = re.match(r"\W*(yes|no)\b", said, re.IGNORECASE)
    return None if word is None else float(word[1].lower() == "yes")


def _grade(score: float | None) -> Verdict:
    return None if score is None or math.isnan(score) or not 1 <= score <= 5 else float(score >= _PASS)


class _Judge:
    """Asks for verdicts, some at once; gives up on an endpoint that only fails."""

    def __init__(self, model: Any) -> None:
        from llama_index.core.evaluation import CorrectnessEvaluator, FaithfulnessEvaluator
        from llama_index.core.prompts import PromptTemplate

        self._faithful = FaithfulnessEvaluator(llm=model, eval_template=PromptTemplate(FAITHFUL))
        self._correct = CorrectnessEvaluator(llm=model, eval_template=PromptTemplate(CORRECT), score_threshold=_PASS)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._failed_in_a_row = 0

    async def verdict(self, measure: str, result: dict[str, Any]) -> Verdict:
        """Return 1 for a pass, 0 for a fail, None where no verdict can be read.

        Raises:
            DependencyError: The endpoint failed several times in a row.
        """
        said = _MARK.sub("", result["answer"]["answer"])
        async with self._slots:
            if self._failed_in_a_row >= _GIVE_UP_AFTER:
                raise DependencyError(
                    f"the judge's endpoint failed {_GIVE_UP_AFTER} times in a row", hint="Check WENJU_LLM__BASE_URL and --judge."
                )
            try:
                if measure == "faithfulness":
                    contexts = [citation["cited_text"] for citation in result["citations"]]
                    told = await self._faithful.aevaluate(query=result["question"], response=said, contexts=contexts)
                    out = _yes_or_no(told.feedback or "")
                else:
                    told = await self._correct.aevaluate(query=result["question"], response=said, reference=_reference(result))
                    out = _grade(told.score)
            except Exception as error:
                # Whatever a client library raises. What the endpoint refuses and what it garbles come in many classes.
                self._failed_in_a_row += not isinstance(error, ValueError)
                return None
            self._failed_in_a_row = 0
            return out


def _reference(result: dict[str, Any]) -> str:
    return " + ".join(" / ".join(part) for part in result["expected"])


def _asked_of(measure: str, result: dict[str, Any]) -> bool:
    """Return whether there is something to judge: an answer with citations, or one to a question with an expected answer."""
    answered = result["answer"]["status"] in ("answered", "partial")
    return answered and bool(result["citations"]) if measure == "faithfulness" else answered and bool(result["expected"])


def _figure(rows: Sequence[tuple[str, list[Verdict]]]) -> dict[str, Any]:
    values = [sum(verdict or 0.0 for verdict in verdicts) / len(verdicts) for _, verdicts in rows]
    interval = bootstrap(values, groups=[group for group, _ in rows])
    assert interval is not None
    return {
        "value": sum(values) / len(values),
        "low": interval[0],
        "high": interval[1],
        "n": len(values),
        "agreement": sum(len(set(verdicts)) == 1 for _, verdicts in rows) / len(rows),
        "failed": sum(verdict is None for _, verdicts in rows for verdict in verdicts),
    }


def judge_run(
    run: dict[str, Any], settings: Settings, model: str, *, runs: int = 3, progress: Callable[[int, int], None] | None = None
) -> None:
    """Put a judge's verdicts into a run: ``judges`` in its summary and in each result.

    An answerable question that was refused has no correct answer and counts as zero without asking; what should be refused is judged by
    rule alone.

    Args:
        run: Of ``run_cases``.
        settings: With the endpoint.
        model: The judge's name there.
        runs: Verdicts on each answer.
        progress: Is told how many verdicts are there.

    Raises:
        DependencyError: The endpoint does not answer.
        SettingsError: No endpoint is configured.
    """
    measures = ("faithfulness", "correctness")
    wanted = [(measure, result) for measure in measures for result in run["results"] if _asked_of(measure, result)]
    done = 0

    async def several(judge: _Judge, measure: str, result: dict[str, Any]) -> list[Verdict]:
        nonlocal done
        out = []
        for _ in range(runs):
            out.append(await judge.verdict(measure, result))
            done += 1
            if progress is not None:
                progress(done, runs * len(wanted))
        return out

    async def all_of_them() -> list[list[Verdict]]:
        judge = _Judge(_model(settings, model))
        return await asyncio.gather(*(several(judge, measure, result) for measure, result in wanted))

    rows: dict[str, list[tuple[str, list[Verdict]]]] = {measure: [] for measure in measures}
    for (measure, result), verdicts in zip(wanted, asyncio.run(all_of_them()), strict=True):
        result.setdefault("judges", {})[measure] = verdicts
        rows[measure].append((result["group_id"], verdicts))
    for result in run["results"]:
        if result["expected"] and result["answer"]["status"] not in ("answered", "partial"):
            rows["correctness"].append((result["group_id"], [0.0] * runs))
    prompts = hashlib.sha256((FAITHFUL + CORRECT).encode()).hexdigest()[:12]
    figures = {measure: _figure(found) for measure, found in rows.items() if found}
    run["summary"]["judges"] = {"model": model, "runs": runs, "prompts": prompts, "measures": figures}
