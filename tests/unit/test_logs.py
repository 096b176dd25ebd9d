"""Log lines: JSON, and without secrets wherever they stand."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator

import pytest

from ingest.kb import Settings
from service.logs import RedactSecrets, secrets_of, set_up_logs

_SECRET = "canary-secret-0123456789"


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What was logged since the last call; the root logger is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err
    root.handlers[:] = handlers
    root.setLevel(level)


def _settings(form: str = "json") -> Settings:
    return Settings(api_keys=[_SECRET], llm={"api_key": "sk-" + _SECRET[::-1]}, service={"log_format": form})


def test_a_line_is_one_json_object(logged: Callable[[], str]) -> None:
    set_up_logs(_settings())
    logging.getLogger("wenju.test").warning("two\nlines of 問據 %d", 7, extra={"facts": {"status": 200, "odd": object}})
    (line,) = logged().splitlines()
    record = json.loads(line)
    assert (record["level"], record["logger"], record["message"], record["status"]) == (
        "warning",
        "wenju.test",
        "two\nlines of 問據 7",
        200,
    )
    assert record["time"].endswith("Z")
    assert "問據" in line


@pytest.mark.parametrize("form", ["json", "plain"])
def test_secrets_are_blotted_out_of_message_arguments_and_traceback(logged: Callable[[], str], form: str) -> None:
    set_up_logs(_settings(form))
    log = logging.getLogger("any.library")
    log.warning("in the text %s", _SECRET)
    log.warning("in an argument %s %r", f"x{_SECRET}y", {"key": _SECRET})
    try:
        raise ValueError(f"in an error {_SECRET} sk-{_SECRET[::-1]}")
    except ValueError:
        log.exception("failed")
    text = logged()
    assert _SECRET not in text
    assert _SECRET[::-1] not in text
    assert text.count("[secret]") >= 5
    assert "ValueError: in an error [secret] [secret]" in text


def test_a_longer_secret_goes_before_one_it_contains() -> None:
    blot = RedactSecrets(["abcdef", "abcdefgh"]).blot
    assert blot("abcdefgh abcdef") == "[secret] [secret]"


def test_short_values_blot_nothing_out() -> None:
    assert RedactSecrets(["", "a", "12345"]).blot("a 12345") == "a 12345"


def test_every_secret_of_the_settings_is_known() -> None:
    settings = Settings(api_keys="one-key-1,two-key-2", llm={"api_key": "three-3"}, embedding={"api_key": "four-44"})
    assert secrets_of(settings) == ["one-key-1", "two-key-2", "three-3", "four-44"]


def test_the_level_is_taken_from_the_environment(logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_LOG_LEVEL", "error")
    set_up_logs(_settings())
    logging.getLogger("wenju").warning("quiet")
    logging.getLogger("wenju").error("loud")
    text = logged()
    assert ("loud" in text, "quiet" in text) == (True, False)


def test_libraries_that_log_requests_are_kept_quiet(logged: Callable[[], str]) -> None:
    set_up_logs(_settings())
    logging.getLogger("httpx").info("HTTP Request: POST https://example.org/v1?key=x")
    assert not logged()
