"""The table of passage retrieval: own script, other script, other wording, across languages, one mixed index, size of the lexicon.

Goals stand beside the figures they are for; a row without one is there to be read beside the others.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from eval.cases import SetError, load_sets
from eval.measures.latency import percentile
from eval.measures.retrieval import is_relevant
from eval.squad import Paragraphs, build, found_names, load_squad, other_script
from ingest.build import ingest_paths
from ingest.kb import KnowledgeBase, Settings, detect_language

__all__ = ["PARTS", "default_sets", "retrieval_table", "table_text"]

PARTS = ("own", "script", "across", "mixed", "crossing", "lexicon")
_ROOT = Path(__file__).resolve().parents[1]
_CROSSING = _ROOT / "eval" / "sets" / "crossing.jsonl"
_SHARES = (0, 25, 50, 75, 100)
_SEED = 11
Say = Callable[[str], None]
Row = dict[str, Any]


def default_sets(folder: Path) -> list[Path]:
    """Return the sets in SQuAD's format that lie in a folder.

    Raises:
        SetError: There is none.
    """
    found = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not found:
        raise SetError(f"there is no question set in {folder}", hint="Give files in SQuAD's format, or --sets with a folder of them.")
    return found


def _row(what: str, ranks: Sequence[int], times: Sequence[float] = (), **more: Any) -> Row:
    n = max(len(ranks), 1)
    return {
        "what": what,
        "n": len(ranks),
        "R@1": sum(rank == 1 for rank in ranks) / n,
        "R@5": sum(0 < rank <= 5 for rank in ranks) / n,
        "MRR": sum(1 / rank for rank in ranks if rank) / n,
        "p50_ms": percentile(list(times), 0.5) if times else None,
        "goal": "",
        "met": None,
        **more,
    }


def _ranks(found: Iterable[Sequence[str]], wanted: Iterable[Iterable[str]]) -> list[int]:
    """Return the rank of the first passage that is wanted, 0 if none is."""
    return [
        next((at for at, name in enumerate(names, 1) if name in right), 0) for names, right in zip(found, map(set, wanted), strict=True)
    ]


def _aim(row: Row, goal: str, met: bool) -> Row:
    row |= {"goal": goal, "met": met}
    return row


class _Library:
    """The sets, and one folder in which they are indexed one after the other, so that no text is embedded twice."""

    def __init__(self, paths: Sequence[Path], folder: Path, settings: Settings, *, sample: int, dense: bool) -> None:
        self.sets = [load_squad(path) for path in paths]
        self.folder, self.settings, self.dense = folder, settings, dense
        self.asked = {s.name: (s.questions[:: max(1, len(s.questions) // sample)] if sample else s.questions) for s in self.sets}
        places: dict[str, list[tuple[str, int]]] = {}
        for group in self.sets:
            for name, _, number, _ in group.questions:
                places.setdefault(name, []).append((group.name, number))
        # A question that stands in two sets ties their paragraphs: one is the other's translation.
        self.parallel: dict[str, set[str]] = {}
        for held in places.values():
            names = {f"{group}/{number}" for group, number in held}
            for name in names:
                self.parallel.setdefault(name, set()).update(names)

    def open(self, groups: Sequence[Paragraphs], settings: Settings | None = None) -> KnowledgeBase:
        return build(groups, self.folder, settings or self.settings)

    def ask(self, kb: KnowledgeBase, asked: Sequence[tuple[str, str]], what: str) -> Row:
        found, times = found_names(kb, [question for question, _ in asked], dense=self.dense)
        row = _row(what, _ranks(found, ((name,) for _, name in asked)), times)
        return row | {"lenient_R@1": _row(what, _ranks(found, (self.parallel[name] for _, name in asked)))["R@1"]}

    def questions(self, group: Paragraphs) -> list[tuple[str, str]]:
        return [(question, f"{group.name}/{number}") for _, question, number, _ in self.asked[group.name]]

    def translated(self, group: Paragraphs) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Yield the questions of the sets that share theirs with this one, in their language."""
        numbers = {name: number for name, _, number, _ in group.questions}
        for left in self.sets:
            shared = [(question, f"{group.name}/{numbers[i]}") for i, question, _, _ in self.asked[left.name] if i in numbers]
            if left is not group and shared:
                yield left.name, shared


def retrieval_table(
    paths: Sequence[Path],
    settings: Settings,
    *,
    parts: Sequence[str] = PARTS,
    sample: int = 0,
    dense: bool = True,
    say: Say = lambda _: None,
) -> list[Row]:
    """Return the table's rows.

    Args:
        paths: Sets in SQuAD's format. Two that share their questions' ids (XQuAD) are asked across languages.
        settings: To retrieve with; nothing of its data directory is read.
        parts: Which parts of the table, of ``PARTS``.
        sample: Questions of each set, 0 for all.
        dense: Whether the dense leg takes part.
        say: Is told what is being measured.
    """
    if not dense:
        settings = settings.model_copy(update={"embedding": settings.embedding.model_copy(update={"provider": "none"})})
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        library = _Library(paths, Path(folder), settings, sample=sample, dense=dense)
        for group in library.sets if {"own", "script", "across", "mixed"} & set(parts) else ():
            say(group.name)
            rows += _alone(library, group, parts)
        if "mixed" in parts and len(library.sets) > 1:
            say("all sets in one index")
            rows += _mixed(library, {row["what"]: row for row in rows})
        if "lexicon" in parts:
            rows += _lexicon_curve(library, say)
    if "crossing" in parts:
        say("own questions across languages")
        rows += _crossing(settings, dense=dense)
    return rows


def _alone(library: _Library, group: Paragraphs, parts: Sequence[str]) -> list[Row]:
    kb = library.open([group])
    asked = library.questions(group)
    own = library.ask(kb, asked, group.name)
    rows = [_aim(own, "R@1 ≥ 95.0, R@5 ≥ 99.0", own["R@1"] >= 0.95 and own["R@5"] >= 0.99)]
    if "script" in parts and detect_language(group.texts[0]) != "en":
        for region in (False, True):
            other = [(other_script(question, region=region), name) for question, name in asked]
            row = library.ask(kb, other, f"{group.name} · other script{' and wording' if region else ''}")
            rows.append(_loss(row, own, 0.2))
    if "across" in parts:
        for name, shared in library.translated(group):
            row = library.ask(kb, shared, f"{name} → {group.name} · across languages")
            rows.append(_aim(row, "R@5 ≥ 45.0", row["R@5"] >= 0.45))
    kb.close()
    return rows


def _loss(row: Row, own: Row, most: float) -> Row:
    """Add what a row loses against the set alone, in points of R@1, and the goal for it."""
    row["loss"] = round(100 * (own["R@1"] - row["R@1"]), 2)
    return _aim(row, f"loss ≤ {most}", row["loss"] <= most)


def _mixed(library: _Library, alone: dict[str, Row]) -> list[Row]:
    kb = library.open(library.sets)
    rows = []
    for group in library.sets:
        row = _loss(library.ask(kb, library.questions(group), f"{group.name} · all sets in one index"), alone[group.name], 1.0)
        rows.append(row | {"lenient_loss": round(100 * (alone[group.name]["R@1"] - row["lenient_R@1"]), 2)})
    kb.close()
    return rows


def _crossing(settings: Settings, *, dense: bool) -> list[Row]:
    """Return the rows of our own questions across languages over the sample corpus."""
    from service.question import read_question
    from service.retrieve import retrieve

    cases = load_sets([_CROSSING])
    ranks: dict[str, list[int]] = {"any": [], "strict": [], "en": [], "zh": []}
    with tempfile.TemporaryDirectory() as folder:
        mine = settings.model_copy(update={"data_dir": Path(folder)})
        ingest_paths(mine, [_ROOT / "corpus"])
        kb = KnowledgeBase(mine)
        snapshot = kb.snapshot()
        assert snapshot is not None
        for case in cases:
            hits = retrieve(kb, snapshot, read_question(case.question, kb.analyser), top_k=10, dense=dense).hits
            right = [is_relevant(h.document.file_name, h.passage.page, h.text, case.evidence) for h in hits]
            strict = [good and (h.passage.language == "en") != (case.language == "en") for h, good in zip(hits, right, strict=True)]
            first = {"any": _first(right), "strict": _first(strict)}
            for name, rank in first.items():
                ranks[name].append(rank)
            ranks["en" if case.language == "en" else "zh"].append(first["strict"])
        kb.close()
    rows = [_row("own questions across languages", ranks["any"]), _row("… in a passage of the other language", ranks["strict"])]
    for row in rows:
        _aim(row, "R@5 ≥ 80.0", row["R@5"] >= 0.8)
    return [*rows, _row("… zh → en", ranks["zh"]), _row("… en → zh", ranks["en"])]


def _first(flags: Sequence[bool]) -> int:
    return next((rank for rank, flag in enumerate(flags, 1) if flag), 0)


def _lexicon_curve(library: _Library, say: Say) -> list[Row]:
    """Return across languages how much is found with a part of the concepts, drawn by a fixed seed, each part within the next."""
    lines = [
        line
        for entry in sorted(files("corpus").joinpath("lexicon").iterdir(), key=lambda item: item.name)
        if entry.name.endswith(".tsv")
        for line in entry.read_text("utf-8").split("\n")
        if line.strip() and not line.startswith("#")
    ]
    random.Random(_SEED).shuffle(lines)
    rows = []
    for share in _SHARES:
        count = len(lines) * share // 100
        say(f"lexicon of {count} concepts")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "part.tsv").write_text("\n".join(lines[:count]), "utf-8")
            settings = library.settings.model_copy(update={"lexicon_dirs": [Path(folder)], "lexicon_shipped": False})
            for group in library.sets:
                for name, shared in library.translated(group):
                    kb = library.open([group], settings)
                    rows.append(library.ask(kb, shared, f"{name} → {group.name} · {share} % of the concepts ({count:,})"))
                    kb.close()
    return rows


def table_text(rows: Sequence[Row]) -> str:
    """Return the table for the terminal."""
    lines = [f"{'n':>6} {'R@1':>6} {'R@5':>6} {'MRR':>6} {'loss':>6} {'p50 ms':>7}  what"]
    for row in rows:
        figures = " ".join(f"{100 * row[name]:6.1f}" for name in ("R@1", "R@5", "MRR"))
        loss = f"{row['loss']:6.2f}" if "loss" in row else " " * 6
        time = f"{row['p50_ms']:7.1f}" if row["p50_ms"] is not None else " " * 7
        goal = f"   [{row['goal']}: {'met' if row['met'] else 'MISSED'}]" if row["goal"] else ""
        lenient = f"   (a translation counts as right: R@1 {100 * row['lenient_R@1']:.1f})" if "lenient_loss" in row else ""
        lines.append(f"{row['n']:>6} {figures} {loss} {time}  {row['what']}{goal}{lenient}")
    return "\n".join(lines)
