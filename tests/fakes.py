"""A scripted OpenAI-compatible server on loopback, with every fault a real one has shown."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["FAULTS", "FakeOpenAI", "Reply", "cited", "passages_of"]

FAULTS = (
    "unauthorized",
    "no_model",
    "rate_limited",
    "rate_limited_plain",
    "rate_limited_retry",
    "server_error",
    "empty",
    "no_content",
    "garbage",
    "wrong_type",
    "huge_line",
    "slow_drip",
    "stall_before",
    "stall_mid",
    "cut",
    "never_ends",
    "reset",
    "broken_json_chunk",
    "redirect",
    "too_long",
)


@dataclass
class Reply:
    """What the model says: pieces of text, the delay between them, and a fault."""

    text: str = ""
    fault: str = ""
    delay_s: float = 0.0
    piece: int = 8


class _Server(ThreadingHTTPServer):
    # Fifty clients may knock at once; those beyond the queue would wait for a second knock.
    request_queue_size = 128
    daemon_threads = True


@dataclass
class FakeOpenAI:
    """The server. ``script`` maps a request's body to a reply; every request is kept in ``requests``.

    Attributes:
        cancelled: How many replies the client left before their end.
    """

    script: Callable[[dict[str, Any]], Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)
    cancelled: int = 0
    active: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    retries: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
                fake.requests.append(body | {"_authorization": self.headers.get("authorization", "")})
                with fake.lock:
                    fake.active += 1
                try:
                    _answer(self, fake, body, fake.script(body))
                except (BrokenPipeError, ConnectionResetError):
                    fake.cancelled += 1
                finally:
                    with fake.lock:
                        fake.active -= 1

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def _json(handler: BaseHTTPRequestHandler, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
    data = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(data)))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def _error(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str] | None = None) -> None:
    _json(handler, status, {"error": {"message": f"scripted {status}", "type": "scripted", "code": None}}, headers)


def _simple_fault(handler: BaseHTTPRequestHandler, fake: FakeOpenAI, body: dict[str, Any], fault: str) -> bool:
    """Answer with a fault that needs no stream; False if it is none."""
    if fault == "rate_limited_retry":
        asked = json.dumps(body["messages"])
        fake.retries[asked] = fake.retries.get(asked, 0) + 1
        if fake.retries[asked] > 1:
            return False
        _error(handler, 429, {"retry-after": "0.2"})
    elif fault in ("unauthorized", "no_model", "rate_limited", "rate_limited_plain", "server_error"):
        status = {"unauthorized": 401, "no_model": 404, "server_error": 500}.get(fault, 429)
        _error(handler, status, {"retry-after": "60"} if fault == "rate_limited" else None)
    elif fault == "garbage":
        _raw(handler, b"\x00\xff<html>not json</html>", "application/json")
    elif fault == "wrong_type":
        _raw(handler, b"<html><body>captive portal</body></html>", "text/html")
    elif fault == "redirect":
        handler.send_response(302)
        handler.send_header("location", "http://169.254.169.254/latest/meta-data")
        handler.send_header("content-length", "0")
        handler.end_headers()
    elif fault == "reset":
        handler.close_connection = True
        handler.connection.close()
    else:
        return False
    return True


def _raw(handler: BaseHTTPRequestHandler, data: bytes, kind: str) -> None:
    handler.send_response(200)
    handler.send_header("content-type", kind)
    handler.send_header("content-length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def _answer(handler: BaseHTTPRequestHandler, fake: FakeOpenAI, body: dict[str, Any], reply: Reply) -> None:
    if _simple_fault(handler, fake, body, reply.fault):
        return
    if not body.get("stream"):
        if reply.fault in ("stall_before", "stall_mid", "never_ends"):
            time.sleep(30)
        message = {"role": "assistant", "content": reply.text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        _json(handler, 200, {"id": "x", "object": "chat.completion", "created": 1, "model": "fake", "choices": [choice]})
        return
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.send_header("connection", "close")
    handler.end_headers()
    handler.close_connection = True
    for line in _lines(reply):
        handler.wfile.write(line)
        handler.wfile.flush()


def _chunk(text: str | None, finish: str | None = None) -> bytes:
    delta = {"role": "assistant", "content": text} if text is not None else {}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    record = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "fake", "choices": [choice]}
    return f"data: {json.dumps(record)}\n\n".encode()


def _lines(reply: Reply) -> Iterator[bytes]:  # noqa: C901 - one branch for each fault
    pieces = [reply.text[i : i + reply.piece] for i in range(0, len(reply.text), reply.piece)]
    if reply.fault == "stall_before":
        time.sleep(30)
    if reply.fault == "empty":
        return
    if reply.fault == "no_content":
        yield _chunk("", "stop")
        yield b"data: [DONE]\n\n"
        return
    if reply.fault == "huge_line":
        yield _chunk("x" * 3_000_000)
    for place, piece in enumerate(pieces):
        if place == max(1, len(pieces) // 2):
            if reply.fault == "stall_mid":
                time.sleep(30)
            if reply.fault == "cut":
                return
            if reply.fault == "broken_json_chunk":
                yield b'data: {"choices": [{"delta": {"conte\n\n'
        time.sleep(0.3 if reply.fault == "slow_drip" else reply.delay_s)
        yield _chunk(piece)
    if reply.fault == "never_ends":
        while True:
            time.sleep(0.01)
            yield _chunk("永遠 ")
    yield _chunk(None, "length" if reply.fault == "too_long" else "stop")
    yield b"data: [DONE]\n\n"


def cited(body: dict[str, Any], sentence: str, said: str = "") -> str:
    """Return a sentence with the number of the shown passage that holds it; ``said`` is what the model writes instead of it."""
    numbers = [number for number, passage in enumerate(passages_of(body), 1) if sentence in passage]
    return f"{said or sentence}[{numbers[0]}]" if numbers else "NO_ANSWER"


def passages_of(body: dict[str, Any]) -> list[str]:
    """Return the passages that a request shows to the model, in order of their numbers."""
    import re

    user = next((m["content"] for m in reversed(body["messages"]) if "<<<" in m["content"]), "")
    parts = re.split(r"^\[(\d+)\] ", user, flags=re.MULTILINE)
    return [part.strip() for part in parts[2::2]]


@contextlib.contextmanager
def fake_openai(script: Callable[[dict[str, Any]], Reply]) -> Iterator[FakeOpenAI]:
    """Serve a script until the block ends."""
    server = FakeOpenAI(script)
    try:
        yield server
    finally:
        server.close()
