"""A canary over the whole run: no key that any test puts into settings may stand in a log record of any logger, at any level.

A plugin of every session. Records are looked at as they are made, before the filter that blots keys out of what the service prints: what is
never said need not be blotted. A test that makes something say a key on purpose, to see the filter work, is marked ``leaks``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from ingest.kb.settings import Settings
from service.logs import hush, secrets_of

# Shorter ones are words of every day, and no keys.
_LONG_ENOUGH = 10


class Watch(logging.Handler):
    """Collects the records that show a key.

    Attributes:
        secrets: Every key that any settings held so far.
        leaks: Logger, level and beginning of each record that showed one.
        seen: How many records were looked at.
    """

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.secrets: set[str] = set()
        self.leaks: list[str] = []
        self.seen = 0

    def learn(self, settings: Settings) -> None:
        """Note the keys of settings."""
        self.secrets |= {secret for secret in secrets_of(settings) if len(secret) >= _LONG_ENOUGH}

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a record: its text, its facts, its traceback."""
        self.seen += 1
        text = record.getMessage() + str(getattr(record, "facts", "")) + (record.exc_text or "")
        if record.exc_info and record.exc_info[1] is not None:
            text += logging.Formatter().formatException(record.exc_info)
        for secret in self.secrets:
            if secret in text:
                self.leaks.append(f"{record.name} {record.levelname}: {text[:300]}")


watch = Watch()


@pytest.fixture(scope="session", autouse=True)
def _watching() -> Iterator[None]:
    made = Settings.__init__

    def making(self: Settings, *arguments: Any, **values: Any) -> None:
        made(self, *arguments, **values)
        watch.learn(self)

    root = logging.getLogger()
    level = root.level
    Settings.__init__ = making  # type: ignore[method-assign]
    root.addHandler(watch)
    root.setLevel(logging.DEBUG)
    hush()
    yield
    root.setLevel(level)
    root.removeHandler(watch)
    Settings.__init__ = made  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _no_leak(request: pytest.FixtureRequest) -> Iterator[None]:
    # A test may set up logs of its own and put the handlers away.
    root = logging.getLogger()
    if watch not in root.handlers:
        root.addHandler(watch)
    yield
    leaks, watch.leaks = watch.leaks, []
    if request.node.get_closest_marker("leaks") is None:
        assert not leaks, f"a key stands in the log: {leaks[:3]}"


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", "leaks: makes something say a key on purpose, to see that it is blotted out")
