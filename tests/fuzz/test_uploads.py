"""Mutated uploads: whatever comes to ``POST /v1/documents``, the service answers, never with a fault of its own, and lives on.

A short run goes with the ordinary tests; the long one (``make fuzz``: 10,000 uploads) writes ``build/fuzz_uploads.json``.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import fuzzing
import pytest
from service_kit import Client, serving

from ingest.kb import Settings

pytest_plugins = ("service_kit",)

SEED = int(os.environ.get("FUZZ_SEED", "1"))
PARTS, UPLOADS = 20, 500
# The share that arrives whole, and so is read by a job; the rest is refused before.
WHOLE = 0.05
NAMES = (
    "a.md",
    "../../etc/passwd",
    "..\\..\\x.pdf",
    "a\x00b.md",
    "\u202efdp.md",
    "x" * 300 + ".md",
    "",
    ".",
    "..",
    "名字.pdf",
    '"; rm -rf /".md',
    "a\r\nX-Evil: 1.md",
    "%2e%2e%2f.md",
    "CON",
    "a.md/",
    "\ufeff.md",
    "𠀀" * 90 + ".md",
)


def multipart(dice: random.Random, files: dict[str, bytes]) -> tuple[bytes, str]:
    """Return a proper multipart body with a mutated file, and its content type."""
    name, data = fuzzing.mutated(dice, files)
    shown = dice.choice((name, name, dice.choice(NAMES))).replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    edge = f"edge{dice.randrange(10**9)}"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{shown}"\r\nContent-Type: text/plain\r\n\r\n'
    return head.encode("utf-8", "replace") + data + f"\r\n--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"


def broken(dice: random.Random, body: bytes, kind: str) -> tuple[bytes, str]:
    """Return a body and a content type that no longer belong together, or are none."""
    head, _, rest = body.partition(b"\r\n\r\n")
    names = (b'name="files"', b"name=file", b'name=""', b"", b"name*=utf-8''file", b'name="file"' * 50)
    files = (b"filename*=", b"file=", b"filename*=utf-8''%ff%fe;x=", b"filename*=x'y'z;x=")
    kinds = ("multipart/form-data", "application/json", "text/plain", "multipart/mixed; boundary=a", "", "\x7f;;")
    ways = (
        lambda: (fuzzing.cut(dice, body, "txt"), kind),
        lambda: (fuzzing.flip(dice, head, "txt") + b"\r\n\r\n" + rest[:200], kind),
        lambda: (body, kind.replace("edge", dice.choice(("", "x", "edge" * 100)))),
        lambda: (body, dice.choice(kinds)),
        lambda: (body.replace(b'name="file"', dice.choice(names)), kind),
        lambda: (body.replace(b"filename=", dice.choice(files)), kind),
        lambda: (body.replace(b"\r\n", b"\n"), kind),
        lambda: (fuzzing.numbers(dice, head, "txt") + b"\r\n\r\n" + rest[:100], kind),
        lambda: (head * dice.choice((2, 30)) + b"\r\n\r\n" + rest[:300], kind),
        lambda: (head + b"\r\nX: " + b"y" * dice.choice((10, 9_000, 70_000)) + b"\r\n\r\n" + rest[:100], kind),
        lambda: (dice.randbytes(dice.choice((0, 1, 30, 2_000))), kind),
        lambda: (b"--" * dice.choice((1, 500)) + body[:300], kind),
    )
    return dice.choice(ways)()


async def send(client: Client, body: bytes, kind: str, dice: random.Random) -> tuple[int, str]:
    """Post a body, now and then in pieces, and return the status and the id of the job it made."""

    async def pieces() -> Any:
        at = 0
        while at < len(body):
            step = dice.choice((1, 17, 400, 5_000))
            yield body[at : at + step]
            at += step

    chunked = dice.random() < 0.1 and len(body) < 3_000
    headers = {b"content-type": kind.encode("latin-1", "replace")}
    answer = await client.post("/v1/documents", content=pieces() if chunked else body, headers=headers)
    record = answer.json()
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert record["code"] != "internal", record
    return answer.status_code, record.get("id", "") if answer.status_code == 202 else ""


async def upload_mutants(folder: Path, seed: int, count: int, whole: float) -> dict[str, Any]:
    """Upload so many mutants to a service of their own and return the figures; what breaks a promise is kept and raises."""
    dice = random.Random(seed)
    files = fuzzing.seeds()
    settings = Settings(
        data_dir=folder / "data",
        embedding={"provider": "none"},
        read={"ocr": "off", "timeout_s": 10, "memory_mb": 900},
        service={"rate_per_minute": 0, "max_body_bytes": 2_000_000},
    )
    statuses: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    started = time.monotonic()
    async with serving(settings) as client:
        jobs = client.app.state.wenju.jobs
        for number in range(count):
            body, kind = multipart(dice, files)
            if dice.random() >= whole:
                body, kind = broken(dice, body, kind)
            try:
                status, job = await send(client, body, kind, dice)
                assert status < 500
            except BaseException:
                place = fuzzing.BUILD / "fuzz" / f"upload-{seed}-{number}"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(kind.encode("utf-8", "replace") + b"\n" + body)
                raise
            statuses[str(status)] += 1
            if job:
                while jobs.get(job).state not in ("done", "failed"):
                    assert time.monotonic() - started < 600, jobs.get(job)
                    await asyncio.sleep(0.01)
                made = jobs.get(job)
                ends[made.state] += 1
                assert not any(error["code"] == "internal" for error in made.errors), (made.errors, seed, number)
        assert (await client.get("/healthz")).status_code == 200
        listed = (await client.get("/v1/documents")).json()
        assert listed["total"] <= ends["done"]
        assert list(jobs.uploads.iterdir()) == []
    assert sorted(os.listdir(folder)) == ["data"]
    return {
        "uploads": count,
        "deaths": 0,
        "server_errors": 0,
        "statuses": dict(statuses),
        "jobs": dict(ends),
        "seconds": round(time.monotonic() - started, 1),
    }


@pytest.mark.slow
async def test_mutated_uploads_are_answered(tmp_path: Path) -> None:
    figures = await upload_mutants(tmp_path, seed=SEED * 1_000_003, count=120, whole=0.08)
    assert set(figures["statuses"]) > {"202", "422"}, json.dumps(figures)


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(PARTS))
async def test_ten_thousand_mutated_uploads(part: int, tmp_path: Path) -> None:
    figures = await upload_mutants(tmp_path, seed=SEED * 1_000 + part, count=UPLOADS, whole=WHOLE)
    total = fuzzing.note("fuzz_uploads.json", {"seed": SEED, "parts": PARTS, "uploads": UPLOADS, "whole": WHOLE}, str(part), figures)
    assert total["deaths"] == total["server_errors"] == 0
