"""``python -m eval.learning``: fit the fusion, the sentence ranking and the judgement, and write their weights into ``service/``."""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.cases import Case, load_sets
from eval.learning.fusing import Pool, cases_pools, learn_fusion, squad_pools
from eval.learning.questions import Asked, cases_asked, holds, squad_asked, swapped
from eval.learning.solve import fit_logistic, fit_softmax
from eval.squad import Paragraphs, build, load_squad
from ingest.kb import KnowledgeBase, Settings
from service.answerability import SIGNALS, SIGNS, signals
from service.candidates import Candidate, candidates
from service.extract import expand, rank_sentences
from service.features import BY_VECTORS, FEATURES, features
from service.question import read_question
from service.retrieve import retrieve

_SERVICE = Path(__file__).resolve().parents[2] / "service"
_SEED = 11
# Questions of a set in SQuAD's format that the ranking, the judgement and the fusion learn from.
_RANKED, _JUDGED, _FUSED = 1300, 250, 300
# Questions about reports count this many times one of an encyclopaedia.
_OWN_WEIGHT = 6.0
# What a kind of question about reports counts, and one about an encyclopaedia.
_OWN_SHARE, _OTHER_SHARE = 3.0, 0.2
_OWN_KINDS = ("crossing", "swapped", "far")
_JUDGED_L2 = 70.0
# Answerable questions about reports that the default threshold (0.5) keeps.
_KEPT = 0.974


def _ranked(asked: Asked) -> tuple[list[Candidate], NDArray[np.float64], NDArray[np.float64]]:
    """Return the candidates of a question, their inputs and which are right."""
    found = candidates(asked.retrieval.hits, asked.kb.analyser)
    features(asked.question, found, {term: idf for term, idf, _ in asked.retrieval.terms}, asked.kb.analyser)
    crossing = [asked.question.crosses(c.hit.passage.language) for c in found]
    inputs = expand([c.values for c in found], asked.question.type, crossing)
    return found, inputs, np.array([float(holds(asked, c)) for c in found])


def learn_ranking(questions: Iterable[tuple[Asked, float]]) -> dict[str, list[float]]:
    """Return the weights of the sentence ranking, with vectors and without; prints how often the right sentence is first and among three.

    Args:
        questions: With the weight of each.
    """
    inputs, right, groups, weights, sources = [], [], [], [], []
    for number, (asked, weight) in enumerate(questions):
        found, values, labels = _ranked(asked)
        if not labels.any():
            continue
        inputs.append(values)
        right.append(labels)
        groups.append(np.full(len(found), number))
        weights.append(np.full(len(found), weight))
        sources.append(asked.source)
    out = {}
    for name, known in (("with_vectors", True), ("without_vectors", False)):
        seen = inputs if known else [without_vectors(values) for values in inputs]
        fitted = fit_softmax(np.concatenate(seen), np.concatenate(right), np.concatenate(groups), weight=np.concatenate(weights), l2=10.0)
        print(f" {name}")
        for source in dict.fromkeys(sources):
            chosen = [np.argsort(-(v @ fitted), kind="stable") for v, s in zip(seen, sources, strict=True) if s == source]
            labels_of = [r for r, s in zip(right, sources, strict=True) if s == source]
            first = np.mean([labels[order[0]] > 0 for order, labels in zip(chosen, labels_of, strict=True)])
            three = np.mean([labels[order[:3]].max() > 0 for order, labels in zip(chosen, labels_of, strict=True)])
            print(f"  {source}: right sentence first {first:.3f}, among three {three:.3f}, of {len(chosen)}")
        out[name] = [round(float(w), 4) for w in fitted]
    return out


def without_vectors(inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranking's inputs as they are where sentences have no vectors."""
    out = inputs.copy()
    places = [FEATURES.index(name) for name in BY_VECTORS]
    # Each feature stands once more for sentences in the other language, before the last column.
    out[:, [*places, *(inputs.shape[1] - 1 - len(FEATURES) + place for place in places)]] = 0.0
    return out


def _signals(asked: Asked) -> list[float] | None:
    ranked = rank_sentences(asked.question, asked.retrieval, asked.kb.analyser)
    if not ranked:
        return None
    values, _ = signals(asked.question, asked.retrieval, ranked, asked.kb.analyser)
    return [values[name] for name in SIGNALS]


def _forget_vectors(asked: Asked) -> None:
    """Leave a question as it would be without a dense leg, its passages apart."""
    asked.retrieval.lead = 0.0
    for hit in asked.retrieval.hits:
        hit.cosines = None
        hit.scores["dense"] = 0.0


def learn_answerability(examples: Iterable[tuple[str, Asked, bool]], judged: Collection[str]) -> dict[str, dict[str, float]]:
    """Return the models of answerability, with vectors and without.

    The bias of each is set so that the default threshold keeps what it should of some sets.

    Args:
        examples: (kind, question, whether the evidence answers it).
        judged: The kinds that the threshold is set on.
    """
    kinds: list[str] = []
    labels: list[float] = []
    rows: dict[str, list[list[float]]] = {"with_vectors": [], "without_vectors": []}
    for kind, asked, label in examples:
        values = _signals(asked)
        if values is None:
            continue
        rows["with_vectors"].append(values)
        _forget_vectors(asked)
        rows["without_vectors"].append(_signals(asked) or values)
        kinds.append(kind)
        labels.append(float(label))
    out = {}
    for name, table in rows.items():
        print(f" {name}")
        out[name] = _fit_answerability(kinds, np.array(table), np.array(labels), judged)
    return out


def _fit_answerability(
    kinds: Sequence[str], table: NDArray[np.float64], right: NDArray[np.float64], judged: Collection[str]
) -> dict[str, float]:
    size = {kind: kinds.count(kind) for kind in set(kinds)}
    # Every kind counts the same, and both answers do.
    sides = {side: len({kind for kind, label in zip(kinds, right, strict=True) if label == side}) for side in (0.0, 1.0)}
    share = {kind: _OWN_SHARE if kind.startswith((*judged, *_OWN_KINDS)) else _OTHER_SHARE for kind in size}
    weight = np.array([1000 / size[kind] / sides[label] * share[kind] for kind, label in zip(kinds, right, strict=True)])
    # In units of their spread, so that the penalty does not favour what comes in large numbers.
    spread = table.std(axis=0)
    spread[spread < 1e-9] = 1.0
    fitted, _ = fit_logistic((table - table.mean(axis=0)) / spread, right, np.array(SIGNS), weight=weight, l2=_JUDGED_L2)
    fitted /= spread
    own = np.array([kind in judged for kind in kinds]) & (right == 1)
    bias = -float(np.quantile(table[own] @ fitted, 1 - _KEPT))
    for kind in dict.fromkeys(kinds):
        which = np.array([k == kind for k in kinds])
        kept = float((table[which] @ fitted + bias >= 0).mean())
        print(f"  {kind}: {'kept' if right[which].all() else 'refused'} {kept if right[which].all() else 1 - kept:.3f} of {which.sum()}")
    return {"bias": round(bias, 4)} | {name: round(float(value), 4) for name, value in zip(SIGNALS, fitted, strict=True)}


def _examples(own: Sequence[Asked], far: Sequence[Paragraphs], kb: KnowledgeBase, folder: Path) -> Iterator[tuple[str, Asked, bool]]:
    rng = random.Random(_SEED)
    snapshot = kb.snapshot()
    assert snapshot is not None

    def again(text: str) -> Asked:
        question = read_question(text, kb.analyser)
        return Asked("", kb, question, retrieve(kb, snapshot, question, top_k=10), (), ())

    for asked in own:
        if not asked.evidence:
            yield f"{asked.source} unanswerable", asked, False
            continue
        if _ranked(asked)[2].any():
            yield asked.source, asked, True
        for text in swapped(asked, rng):
            yield "swapped", again(text), False
    for group in far:
        base = folder / group.name
        for asked in squad_asked(group, base, kb.settings, limit=_JUDGED):
            yield group.name, asked, True
        for asked in squad_asked(group, base, kb.settings, limit=_JUDGED, absent=True):
            yield f"{group.name} without its paragraph", asked, False
        for _, text, _, _ in group.questions[:: max(1, len(group.questions) // 150)]:
            yield "far", again(text), False


def _cases(path: Path, without: Collection[str]) -> list[Case]:
    return [case for case in load_sets([path]) if not {e.document for e in case.evidence} & set(without)]


def _pools(sets: Sequence[Path], without: Collection[str], kb: KnowledgeBase, groups: Sequence[Paragraphs], folder: Path) -> Iterator[Pool]:
    """Yield the candidates of all questions: of the cases, and of each public set in each language its questions are asked in."""
    for path in sets:
        yield from cases_pools(path.stem, _cases(path, without), kb)
    for group in groups:
        library = build([group], folder / group.name, kb.settings)
        places = {name: number for name, _, number, _ in group.questions}
        for other in groups:
            shared = [(text, f"{group.name}/{places[name]}") for name, text, _, _ in other.questions if name in places]
            yield from squad_pools(f"{other.name} → {group.name}", shared[:: max(1, len(shared) // _FUSED)], library)


def main() -> None:
    """Fit one model, or all three, each with those before it."""
    parser = argparse.ArgumentParser(prog="python -m eval.learning", description=__doc__)
    parser.add_argument("model", choices=("fusion", "ranking", "answerability", "all"))
    parser.add_argument("--set", type=Path, nargs="+", default=[Path(f"eval/sets/{name}.jsonl") for name in ("dev", "train", "crossing")])
    parser.add_argument("--without", nargs="*", default=[], help="file names of documents whose questions are held out")
    parser.add_argument("--squad", type=Path, nargs="*", default=[], help="sets in SQuAD's format")
    options = parser.parse_args()
    kb = KnowledgeBase(Settings())
    groups = [load_squad(path) for path in options.squad]
    names = [path.stem for path in options.set]
    own = [asked for path in options.set for asked in cases_asked(path.stem, _cases(path, options.without), kb)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.model in ("fusion", "all"):
            known = json.loads((_SERVICE / "reranking.json").read_text("utf-8"))
            known |= learn_fusion(_pools(options.set, options.without, kb, groups, folder), dict.fromkeys(names, _OWN_WEIGHT))
            (_SERVICE / "reranking.json").write_text(json.dumps(known) + "\n", "utf-8")
        if options.model in ("ranking", "all"):
            public = (asked for group in groups for asked in squad_asked(group, folder / group.name, kb.settings, limit=_RANKED))
            weighed = [(asked, _OWN_WEIGHT) for asked in own if asked.evidence] + [(asked, 1.0) for asked in public]
            weights = learn_ranking(weighed)
            (_SERVICE / "ranking.json").write_text(json.dumps(weights) + "\n", "utf-8")
        if options.model in ("answerability", "all"):
            model = learn_answerability(_examples(own, groups, kb, folder), [name for name in names if name != "crossing"])
            (_SERVICE / "answerability.json").write_text(json.dumps(model, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
