"""A real Chroma server in a process of its own, and a front before it that does to requests what a script says."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from service_kit import free_port

FAULTS = ("slow", "hang", "garbage", "not found", "server error", "empty", "cut", "wrong places", "wrong type", "reset")


@contextmanager
def chroma(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``chroma run`` on loopback, and end it."""
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            assert process.poll() is None, "chroma run ended"
            try:
                httpx.get(f"http://127.0.0.1:{port}/api/v2/heartbeat", timeout=1, trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait(10)


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class Front:
    """Hands requests on to a Chroma server; ``fault`` says what happens to them instead.

    Attributes:
        fault: One of ``FAULTS``, or empty.
        asked: How many requests came.
    """

    def __init__(self, port: int) -> None:
        self.fault = ""
        self.asked = 0
        self._server = _Server(("127.0.0.1", 0), _handler(self, port))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


SAID: dict[str, tuple[int, bytes]] = {
    "garbage": (200, b"\x00\xffthis is no JSON" * 50),
    "wrong type": (200, b"<html>Please log in to the guests' network</html>"),
    "empty": (200, b"{}"),
    "not found": (404, b'{"error":"NotFoundError","message":"no such collection"}'),
    "server error": (500, b'{"error":"InternalError","message":"disk"}'),
}


def _handler(front: Front, port: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def _handle(self) -> None:
            front.asked += 1
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            fault = front.fault
            if fault in ("slow", "hang"):
                time.sleep(5 if fault == "slow" else 60)
            if fault == "reset":
                self.connection.close()
                self.close_connection = True
                return
            status, content = self._answer(fault, body)
            self.send_response(status)
            self.send_header("content-type", "text/html" if fault == "wrong type" else "application/json")
            self.send_header("content-length", str(len(content) + (1000 if fault == "cut" else 0)))
            self.end_headers()
            self.wfile.write(content)
            if fault == "cut":
                self.close_connection = True

        def _answer(self, fault: str, body: bytes) -> tuple[int, bytes]:
            if fault in SAID:
                return SAID[fault]
            url = f"http://127.0.0.1:{port}{self.path}"
            kind = {"content-type": "application/json"}
            answer = httpx.request(self.command, url, content=body, headers=kind, timeout=20, trust_env=False)
            content = answer.content
            if fault == "wrong places":
                content = content.replace(b'"ordinal":', b'"ordinal":9')
            return answer.status_code, content

        do_GET = do_POST = do_PUT = do_DELETE = _handle

    return Handler


@contextmanager
def fronted(folder: Path) -> Iterator[tuple[Front, subprocess.Popen[bytes], int]]:
    """Run both."""
    port = free_port()
    with chroma(folder, port) as process:
        front = Front(port)
        try:
            yield front, process, port
        finally:
            front.close()
