"""Binding, and what a stop does."""

from __future__ import annotations

import signal

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
