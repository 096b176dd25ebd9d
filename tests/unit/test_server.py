"""Binding, and what a stop does."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from ingest.kb import Settings, SettingsError
from service.server import _bind, _refusal, _Server, check_binding, serve


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_needs_no_key(host: str) -> None:
    check_binding(Settings(), host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "10.0.0.1", "wenju.example", "localhost.example", "127.1", "0x7f000001"])
def test_other_addresses_need_a_key(host: str) -> None:
    with pytest.raises(SettingsError) as raised:
        check_binding(Settings(), host)
    assert raised.value.exit_code == 4
    assert "WENJU_API_KEYS" in raised.value.hint
    check_binding(Settings(api_keys=["k" * 32]), host)


def test_a_key_of_nothing_is_no_key() -> None:
    with pytest.raises(SettingsError):
        check_binding(Settings(api_keys=" , "), "0.0.0.0")


def test_a_second_interrupt_forces_the_end() -> None:
    server = _Server(uvicorn.Config(lambda: None))
    server.handle_exit(signal.SIGTERM, None)
    assert (server.should_exit, server.force_exit) == (True, False)
    server.handle_exit(signal.SIGTERM, None)
    assert not server.force_exit
    server.handle_exit(signal.SIGINT, None)
    assert server.force_exit


ARENAS = """
import ctypes, sys, threading
from service.server import _limit_arenas
if sys.argv[1] == "limited":
    _limit_arenas()
c = ctypes.CDLL(None)
c.malloc.restype, c.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
together = threading.Barrier(12)
def work():
    together.wait()
    assert c.malloc(ctypes.c_size_t(1000))
    together.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
file = ctypes.c_void_p(c.fopen(sys.argv[2].encode(), b"w"))
c.malloc_info(0, file)
c.fclose(file)
"""


@pytest.mark.skipif(getattr(ctypes.CDLL(None), "malloc_info", None) is None, reason="this C library has no arenas")
def test_threads_share_few_arenas(tmp_path: Path, repository: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}

    def arenas(limited: str, **more: str) -> int:
        found = tmp_path / "arenas.xml"
        command = [sys.executable, "-c", ARENAS, limited, str(found)]
        subprocess.run(command, check=True, cwd=repository, env=environment | more, timeout=60)
        return found.read_text().count("<heap nr")

    assert arenas("free") > 2 >= arenas("limited")
    assert 5 >= arenas("limited", MALLOC_ARENA_MAX="5") > 2


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of 127.0.0.1 at which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_port_that_is_taken_is_said_plainly(taken: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(SettingsError, match=f"port {taken} of {host} is taken") as raised:
            serve(host=host, port=taken)
        assert raised.value.exit_code == 4
        assert f"--port {taken + 1}" in raised.value.hint


def test_a_busy_port_prints_no_address(taken: int, repository: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(repository / "wenju.py"), "--data-dir", str(tmp_path), "serve", "--port", str(taken)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 4
    assert "http://" not in ended.stderr
    assert [line[:2] for line in ended.stderr.splitlines()] == ["we", "  "]


def test_a_host_of_another_machine_is_said_plainly() -> None:
    for host in ("192.0.2.1", "no-such-host.invalid"):
        with pytest.raises(SettingsError, match=f"{host} is no address of this machine"):
            _bind(host, 0)


def test_a_free_port_is_one_for_all_addresses() -> None:
    sockets = _bind("localhost", 0)
    try:
        assert len({at.getsockname()[1] for at in sockets}) == 1
    finally:
        for at in sockets:
            at.close()


def test_the_port_that_is_offered_exists() -> None:
    error = OSError(errno.EADDRINUSE, "in use")
    assert "--port 65534" in _refusal(error, "127.0.0.1", 65_535).hint
    assert "1024" in _refusal(OSError(errno.EACCES, "Permission denied"), "127.0.0.1", 80).hint


def test_the_address_is_printed_when_it_listens(repository: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(repository / "wenju.py"), "--data-dir", str(tmp_path), "serve", "--port", "0"]
    environment = os.environ | {"WENJU_EMBEDDING__PROVIDER": "none", "WENJU_SERVICE__LOG_FORMAT": "plain"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if line.startswith("Wenju"))
            port = int(line.split("127.0.0.1:")[1].split("/")[0])
            assert port > 0
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
        finally:
            process.terminate()
            process.stderr.read()
    assert process.returncode == 0
