"""How well the check of generated sentences tells faithful ones from planted errors: ``wenju eval faithfulness``.

Sentences are made from the sample corpus: faithful ones (as they stand, in another script, shortened, with clauses reordered, across
languages) and ones with one planted error. Those of ``faithfulness.jsonl`` are written by hand.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.measures.latency import percentile
from eval.planting import Place, faithful_forms, planted_forms
from ingest.kb import sentence_spans
from ingest.kb.analyse import Analyser
from service.support import Source, check_claim, make_source

__all__ = ["Item", "Result", "items", "measure", "report", "report_text", "table"]

_DIGESTS = Path(__file__).resolve().parents[1] / "corpus" / "digests"
_WRITTEN = Path(__file__).with_name("faithfulness.jsonl")
_SOURCES = ("## Sources", "## 來源", "## 来源")


@dataclass(frozen=True, slots=True)
class Item:
    """One sentence to check: its kind, whether the cited passage bears it out, and that passage."""

    kind: str
    faithful: bool
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one sentence; ``ms`` of processor time, which a busy machine does not stretch as it does the clock's."""

    item: Item
    shown: bool
    reason: str
    ms: float


def _sections(path: Path) -> list[Place]:
    """Return the passages of one digest: its sections without tables, and without the list of sources."""
    raw = path.read_text("utf-8").split("---", 2)
    title = next(line[7:] for line in raw[1].split("\n") if line.startswith("title: "))
    origin = next(line[8:] for line in raw[1].split("\n") if line.startswith("source: "))
    out = []
    for part in re.split(r"^(?=## )", raw[2], flags=re.MULTILINE)[1:]:
        if part.startswith(_SOURCES):
            continue
        heading, _, body = part.partition("\n")
        lines = [line.replace("*", "") for line in body.split("\n") if line and not line.startswith("|")]
        text = (" " if path.parent.name == "en" else "").join(lines)
        name = f"{path.parent.name}/{path.name}"
        out.append(Place(name, origin, f"{title} {heading[3:]}", text, tuple(text[a:b] for a, b in sentence_spans(text))))
    return out


def items() -> list[Item]:
    """Return every sentence to check, in a fixed order."""
    places = [place for path in sorted(_DIGESTS.glob("*/*.md")) for place in _sections(path)]
    out: list[Item] = []
    for number, place in enumerate(places):
        for sentence in place.sentences:
            out += [Item(kind, True, text, place) for kind, text in faithful_forms(sentence)]
            out += [Item(kind, False, text, at) for kind, text, at in planted_forms(sentence, number, places)]
    return out + _written(places)


def _written(places: Sequence[Place]) -> list[Item]:
    """Return the sentences written by hand, and the same with one figure or year changed."""
    out = []
    for line in _WRITTEN.read_text("utf-8").splitlines():
        record = json.loads(line)
        quote = record["quote"].replace("*", "")
        number, place = next((n, p) for n, p in enumerate(places) if p.document == record["document"] and quote in p.text)
        kind = record["kind"] if record["faithful"] else f"{record['kind']} (by hand)"
        out.append(Item(kind, record["faithful"], record["answer"], place))
        if record["faithful"]:
            changed = planted_forms(record["answer"], number, places)
            out += [Item(f"{k} (by hand)", False, t, at) for k, t, at in changed if k in ("figure", "year", "citation")]
    return out


def measure(found: Sequence[Item], analyser: Analyser) -> list[Result]:
    """Return what the check says of each sentence.

    Args:
        found: Sentences.
        analyser: The analyser of the knowledge base.
    """
    sources: dict[Place, Source] = {}
    out = []
    for item in found:
        if item.place not in sources:
            sources[item.place] = make_source(item.place.text, analyser, context=item.place.context)
        started = time.thread_time()
        verdict = check_claim(item.text, [sources[item.place]], analyser)
        out.append(Result(item, verdict.supported, verdict.reason, (time.thread_time() - started) * 1000))
    return out


def table(results: Sequence[Result]) -> list[tuple[str, bool, int, int]]:
    """Return (kind, faithful, sentences, wrongly judged) by kind."""
    kinds = dict.fromkeys((r.item.kind, r.item.faithful) for r in results)
    rows = []
    for kind, faithful in sorted(kinds, key=lambda pair: (not pair[1], pair[0])):
        own = [r for r in results if (r.item.kind, r.item.faithful) == (kind, faithful)]
        rows.append((kind, faithful, len(own), sum(r.shown != faithful for r in own)))
    return rows


def report(results: Sequence[Result]) -> dict[str, Any]:
    """Return the table as JSON, with the milliseconds of processor time per sentence and what was judged wrongly."""
    times = sorted(r.ms for r in results)
    return {
        "kinds": [{"kind": k, "faithful": faithful, "sentences": n, "wrong": wrong} for k, faithful, n, wrong in table(results)],
        "cpu_ms": {"mean": sum(times) / len(times), "p50": percentile(times, 0.5), "p99": percentile(times, 0.99)},
        "wrong": [
            {"kind": r.item.kind, "faithful": r.item.faithful, "text": r.item.text, "passage": r.item.place.document, "reason": r.reason}
            for r in results
            if r.shown != r.item.faithful
        ],
    }


def report_text(found: Mapping[str, Any], *, wrong: bool = False) -> str:
    """Return a report for people.

    Args:
        found: Of ``report``.
        wrong: Also list each sentence judged wrongly.
    """
    lines = [f"{'':40}{'sentences':>10}{'wrong':>7}{'share':>8}"]
    for row in found["kinds"]:
        name = f"{'faithful, withheld' if row['faithful'] else 'planted, shown'}: {row['kind']}"
        lines.append(f"{name:40}{row['sentences']:>10}{row['wrong']:>7}{100 * row['wrong'] / row['sentences']:>7.1f}%")
    for faithful, name in ((True, "faithful, withheld"), (False, "planted, shown")):
        rows = [row for row in found["kinds"] if row["faithful"] == faithful]
        total, bad = sum(row["sentences"] for row in rows), sum(row["wrong"] for row in rows)
        lines.append(f"{f'all {name}':40}{total:>10}{bad:>7}{100 * bad / max(1, total):>7.1f}%")
    times = found["cpu_ms"]
    lines.append(f"processor time per sentence: mean {times['mean']:.2f} ms, p50 {times['p50']:.2f} ms, p99 {times['p99']:.2f} ms")
    if wrong:
        lines += [f"[{w['kind']}] {w['text']}\n    {w['passage']}: {w['reason'] or 'shown'}" for w in found["wrong"]]
    return "\n".join(lines)
