"""Binding, and what a stop does."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import uvicorn

from ingest.kb import Settings, SettingsError
from service.server import _Server, check_binding


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
