"""A service, a browser and a page for the browser tests; all of them are skipped where there is no Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api")

from driver import CHROMIUM, DIGESTS, PATIENCE_MS, REPORTS, Site, launch, open_context, serving
from hostile import write_hostile
from layouts import write_layouts
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

_HERE = Path(__file__).parent
expect.set_options(timeout=PATIENCE_MS)
OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = pytest.mark.skip(reason=f"there is no Chromium at {CHROMIUM}; WENJU_CHROMIUM names another")
    mine = [item for item in items if _HERE in item.path.parents]
    for item in mine:
        item.add_marker(pytest.mark.browser)
        if not CHROMIUM.exists():
            item.add_marker(missing)
    # Last of all: Playwright's loop runs until the session ends, and no other test can run a loop beside it.
    items[:] = [item for item in items if item not in set(mine)] + mine


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The sample corpus, read only by agreement of the tests."""
    with serving(tmp_path_factory.mktemp("site") / "data", [DIGESTS, *REPORTS]) as running:
        yield running


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A library to upload to, delete from and build again; with pages whose layout is known, and with documents that mean harm."""
    folder = tmp_path_factory.mktemp("scratch")
    files = [DIGESTS / "en", write_layouts(folder / "layouts"), write_hostile(folder / "hostile")]
    with serving(folder / "data", files) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open pages of a site, each in a context of its own: ``open_page(site, "zh-Hant", "dark", path="#/documents")``."""
    opened: list[BrowserContext] = []

    def _open(site: Site, language: str = "en", theme: str = "light", *, path: str = "", **options: Any) -> Page:
        context = open_context(browser, site, language, theme, **options)
        opened.append(context)
        page = context.new_page()
        page.goto(f"/{path}")
        return page

    yield _open
    for context in opened:
        context.close()


@pytest.fixture
def page(site: Site, open_page: OpenPage) -> Page:
    """The page in English, light, 1280 × 800."""
    return open_page(site)
