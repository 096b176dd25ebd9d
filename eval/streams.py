"""Many readers at once: ``wenju eval streams`` times generated answers over HTTP, with a model that speaks at a set pace.

Three processes: the service, the scripted model, and this one, which reads. A sentence is shown when it is whole and checked, so what a
reader waits for is the model's own time for the sentence and what the service adds; both are reported, the second by the tokens of the
text shown.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from eval.measures.latency import percentile
from eval.scripted_model import PIECE
from ingest.kb import DependencyError, Settings

__all__ = ["Heard", "report", "streams_report", "streams_text"]

_START_S = 300.0
_ANSWER_S = 180.0


@dataclass(slots=True)
class Heard:
    """What one reader got, with seconds since asking: the passages, each piece of text, the end."""

    status: int
    passages: float = 0.0
    pieces: list[tuple[float, str]] = field(default_factory=list)
    generated: bool = False
    whole: bool = False
    retry_after: str = ""


def _own(piece: str, rate: float) -> float:
    """Return the seconds that the model takes to say a piece, and to begin the next, by which its end is known."""
    return (-(-len(piece) // PIECE) + 1) / rate


def report(heard: Sequence[Heard], rate: float) -> dict[str, Any]:
    """Return the figures of some readers.

    Args:
        heard: Of each reader.
        rate: Tokens a second of the model.
    """
    told = [h for h in heard if h.generated and h.pieces]
    firsts = [h.pieces[0][0] for h in told]
    own = [_own(h.pieces[0][1], rate) for h in told]
    gaps, added = [], []
    for h in told:
        between = [(later - sooner, _own(text, rate)) for (sooner, _), (later, text) in zip(h.pieces, h.pieces[1:], strict=False)]
        gaps.append(max((gap for gap, _ in between), default=0.0))
        added.append(max((gap - spoken for gap, spoken in between), default=0.0))
    rows = {
        "passages_s": [h.passages for h in heard if h.passages],
        "first_text_s": firsts,
        "model_first_sentence_s": own,
        "first_text_added_s": [max(0.0, first - spoken) for first, spoken in zip(firsts, own, strict=True)],
        "largest_gap_s": gaps,
        "largest_gap_added_s": [max(0.0, gap) for gap in added],
    }
    figures = {name: {f"p{p}": percentile(values, p / 100) for p in (50, 95, 99)} for name, values in rows.items()}
    whole = sum(h.whole for h in heard)
    return {"readers": len(heard), "generated": len(told), "streamed_text_is_the_answer": whole} | figures


async def _listen(client: httpx.AsyncClient, question: str) -> Heard:
    began = time.monotonic()
    async with client.stream("POST", "/v1/ask", json={"question": question, "stream": True}) as response:
        heard = Heard(response.status_code, retry_after=response.headers.get("retry-after", ""))
        name = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
                if name == "retrieval":
                    heard.passages = time.monotonic() - began
                elif name == "delta":
                    heard.pieces.append((time.monotonic() - began, data["text"]))
                elif name == "done":
                    heard.generated = bool(data["llm_generated"])
                    heard.whole = "".join(text for _, text in heard.pieces) == data["answer"]
    return heard


async def _all(url: str, questions: Sequence[str], streams: int) -> tuple[list[Heard], Heard]:
    """Ask with all readers at once; return what they got, and what one more reader than the cap got meanwhile."""
    limits = httpx.Limits(max_connections=streams + 5)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=_ANSWER_S, limits=limits) as client:
        readers = [asyncio.create_task(_listen(client, questions[n % len(questions)])) for n in range(streams)]
        await asyncio.sleep(0.5)
        over = await _listen(client, questions[0])
        return list(await asyncio.gather(*readers)), over


def _port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


@contextmanager
def _running(command: Sequence[str], url: str, environment: Mapping[str, str], log: Path) -> Iterator[int]:
    """Run a server until the block ends; yield its process id once it answers.

    Raises:
        DependencyError: It does not start.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=dict(environment), stdout=out, stderr=out)
    try:
        until = time.monotonic() + _START_S
        while True:
            try:
                httpx.get(url, timeout=2, trust_env=False)
                break
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() > until:
                    raise DependencyError(f"{command[1:4]} does not start: {log.read_text(errors='replace')[-500:]}", hint="") from None
                time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _processor_s(pid: int) -> float | None:
    """Return the seconds of processor time of a process so far; None where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def streams_report(settings: Settings, questions: Sequence[str], *, streams: int, rate: float, sentences: int) -> dict[str, Any]:
    """Return the figures of many readers at once, beside those of one alone.

    Args:
        settings: Name the data directory; the service runs on it with the scripted model.
        questions: Asked in turn.
        streams: Readers at once, which is the service's cap too.
        rate: Tokens a second of the model.
        sentences: Most sentences of an answer.

    Raises:
        DependencyError: The service or the model does not start.
    """
    model, port = _port(), _port()
    environment = {**os.environ, "WENJU_DATA_DIR": str(Path(settings.data_dir).absolute()), "WENJU_LLM__MODEL": "scripted"} | {
        "WENJU_LLM__BASE_URL": f"http://127.0.0.1:{model}/v1",
        "WENJU_SERVICE__RATE_PER_MINUTE": "0",
        "WENJU_SERVICE__MAX_CONCURRENCY": str(streams),
    }
    environment.pop("WENJU_API_KEYS", None)
    url = f"http://127.0.0.1:{port}"
    speak = [sys.executable, "-m", "eval.scripted_model", str(model), str(rate), str(sentences)]
    serve = [sys.executable, "-m", "wenju", "serve", "--port", str(port)]
    with (
        tempfile.TemporaryDirectory() as folder,
        _running(speak, f"http://127.0.0.1:{model}/", environment, Path(folder, "model.log")),
        _running(serve, f"{url}/healthz", environment, Path(folder, "service.log")) as pid,
    ):
        # The first answer waits for imports.
        asyncio.run(_all(url, questions[-1:], 1))
        alone, _ = asyncio.run(_all(url, questions[:1], 1))
        before, began = _processor_s(pid), time.monotonic()
        heard, over = asyncio.run(_all(url, questions, streams))
        took, after = time.monotonic() - began, _processor_s(pid)
    used = None if before is None or after is None else after - before
    return {
        "streams": streams,
        "tokens_per_s": rate,
        "load_average": os.getloadavg()[0],
        "alone": report(alone, rate),
        "together": report(heard, rate),
        "over_the_cap": {"status": over.status, "retry_after": over.retry_after},
        "seconds": took,
        "service_processor_s": used,
        "service_processor_ms_per_answer": None if used is None else 1000 * used / streams,
    }


def streams_text(found: Mapping[str, Any]) -> str:
    """Return a report for people."""
    lines = [f"{found['streams']} readers at {found['tokens_per_s']:g} tokens/s; load of the machine {found['load_average']:.1f}"]
    lines.append(f"{'seconds':28}{'alone':>8}{'p50':>8}{'p95':>8}{'p99':>8}")
    for name in ("passages_s", "first_text_s", "model_first_sentence_s", "first_text_added_s", "largest_gap_s", "largest_gap_added_s"):
        one, many = found["alone"][name]["p50"], found["together"][name]
        cells = "".join(f"{value:8.2f}" if value is not None else f"{'–':>8}" for value in (one, many["p50"], many["p95"], many["p99"]))
        lines.append(f"{name.removesuffix('_s').replace('_', ' '):28}{cells}")
    together = found["together"]
    lines.append(
        f"{together['generated']} of {together['readers']} generated; streamed text is the answer {together['streamed_text_is_the_answer']}"
    )
    over = found["over_the_cap"]
    lines.append(f"one reader more than the cap: {over['status']}, Retry-After {over['retry_after'] or '–'}")
    if found["service_processor_ms_per_answer"] is not None:
        lines.append(f"processor time of the service: {found['service_processor_ms_per_answer']:.0f} ms per answer")
    return "\n".join(lines)
