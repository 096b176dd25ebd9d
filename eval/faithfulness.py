"""How well the check of generated sentences tells faithful ones from planted errors: ``python -m eval.faithfulness``.

Sentences are made from the sample corpus: faithful ones (as they stand, in another script, shortened, with clauses reordered, across
languages) and ones with one planted error. Those of ``faithfulness.jsonl`` are written by hand.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.planting import Place, faithful_forms, planted_forms
from ingest.kb import sentence_spans
from ingest.kb.analyse import Analyser
from ingest.kb.lexicon import load_lexicon
from service.support import Source, check_claim, make_source

__all__ = ["Item", "Result", "items", "measure", "table"]

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
    """What became of one sentence."""

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
        started = time.perf_counter()
        verdict = check_claim(item.text, [sources[item.place]], analyser)
        out.append(Result(item, verdict.supported, verdict.reason, (time.perf_counter() - started) * 1000))
    return out


def table(results: Sequence[Result]) -> list[tuple[str, bool, int, int]]:
    """Return (kind, faithful, sentences, wrongly judged) by kind."""
    kinds = dict.fromkeys((r.item.kind, r.item.faithful) for r in results)
    rows = []
    for kind, faithful in sorted(kinds, key=lambda pair: (not pair[1], pair[0])):
        own = [r for r in results if (r.item.kind, r.item.faithful) == (kind, faithful)]
        rows.append((kind, faithful, len(own), sum(r.shown != faithful for r in own)))
    return rows


def main(arguments: Sequence[str] = ()) -> int:
    """Print the table; with ``--wrong`` also each wrongly judged sentence."""
    results = measure(items(), Analyser(load_lexicon()))
    print(f"{'':28}{'sentences':>10}{'wrong':>7}{'share':>8}")
    for kind, faithful, count, wrong in table(results):
        name = f"{'faithful, withheld' if faithful else 'planted, shown'}: {kind}"
        print(f"{name:40}{count:>6}{wrong:>6}{100 * wrong / count:>7.1f}%")
    times = sorted(r.ms for r in results)
    print(f"ms per sentence: mean {sum(times) / len(times):.2f}, p99 {times[int(len(times) * 0.99)]:.2f}")
    if "--wrong" in arguments:
        for r in results:
            if r.shown != r.item.faithful:
                print(f"[{r.item.kind}] {r.item.text}\n    {r.item.place.document}: {r.reason or 'shown'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
