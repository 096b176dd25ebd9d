"""Fixtures of the crash tests; the long ones run only when asked for (``make crash``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from crash_kit import Server, Store

import ingest.build
from ingest.readers import read_file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "crash" in config.getoption("-m", default=""):
        return
    for item in items:
        if item.get_closest_marker("crash"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: make crash"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture(autouse=True)
def _read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read files in this process: what is on trial is the writing, and a child for each file takes a second."""

    def here(path, *, settings, password=None, name=""):  # type: ignore[no-untyped-def]
        return read_file(path, settings, password=password, name=name)

    monkeypatch.setattr(ingest.build, "read_in_child", here)
