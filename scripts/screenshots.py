"""Pictures of the chat page, for looking at: three languages, two themes, a phone and a desk, in the states that matter.

python scripts/screenshots.py OUT [--language zh-Hant ...] [--theme dark ...] [--width 360 ...]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import FilePayload, Page, Route, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from driver import DIGESTS, REPORTS, UNKNOWN, Site, ask, launch, open_context, serving, slow_stream  # noqa: E402

LANGUAGES = ["zh-Hant", "zh-Hans", "en"]
THEMES = ["light", "dark"]
SIZES = {360: 640, 1440: 900}
LONG = {
    "zh-Hant": "比較 Claude、Gemini 與 DeepSeek 各個世代的留存，並說明什麼是玻璃鞋效應和迴力鏢。",
    "zh-Hans": "比较中国开放权重模型和其他地区的占比，并说明什么是智能体推理，编程占多少词元。",
    "en": "Compare the retention of Claude, Gemini and DeepSeek cohorts, and explain the glass slipper and the boomerang.",
}
PAGES = {
    "zh-Hant": "AI 經濟的幾本帳怎麼說領先者與中國？",
    "zh-Hans": "AI 经济的几本账怎么说领先者与中国？",
    "en": "What does the AI use brief say about tokens by country?",
}


def welcome(page: Page, site: Site, language: str) -> None:
    """Show the empty page."""
    expect(page.locator(".idea").first).to_be_visible()


def answer(page: Page, site: Site, language: str) -> None:
    """Show a long answer."""
    ask(page, LONG[language])


def refusal(page: Page, site: Site, language: str) -> None:
    """Show a refusal."""
    ask(page, UNKNOWN[language])


def text(page: Page, site: Site, language: str) -> None:
    """Show a cited sentence in its source."""
    ask(page, LONG[language]).locator(".chip").first.click()
    page.locator("mark.cited").first.wait_for()


def pdf(page: Page, site: Site, language: str) -> None:
    """Show the picture of a cited page."""
    turn = ask(page, PAGES[language])
    kinds = page.evaluate("[...document.querySelectorAll('wj-turn')].at(-1).turn.answer.citations.map((one) => one.type)")
    place = kinds.index("page_location") if "page_location" in kinds else 0
    turn.locator(".quote-source").nth(place).click()
    page.locator(".source-tools .pick[data-t='source.image']").click()
    page.wait_for_function("() => document.querySelector('.page-image')?.naturalWidth > 0")


def upload(page: Page, site: Site, language: str) -> None:
    """One file in work, one done, one refused; the service's part is played, so that the moment holds still."""
    job = {"object": "job", "id": "job_1", "state": "running", "stage": "reading", "pages_done": 7, "errors": [], "warnings": []}
    page.route("**/v1/jobs/job_1", lambda route: route.fulfill(json=job))
    page.route("**/v1/jobs/job_2", lambda route: route.fulfill(json=job | {"id": "job_2", "state": "done", "stage": "done"}))
    posts: list[str] = []

    def take(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        posts.append("")
        number = "job_2" if len(posts) == 1 else "job_1"
        route.fulfill(status=202, json=job | {"id": number, "state": "queued"})

    page.route("**/v1/documents", take)
    page.evaluate("location.hash = '#/documents'")
    expect(page.locator(".document").first).to_be_visible()
    files = [("notes.md", b"# Notes\n"), ("annual-report-2026.pdf", b"%PDF-1.7"), ("budget.xlsx", b"x")]
    payloads: list[FilePayload] = [{"name": name, "mimeType": "text/plain", "buffer": data} for name, data in files]
    page.set_input_files("#files", payloads)
    page.locator(".upload-more p").nth(1).wait_for()


def card(page: Page, site: Site, language: str) -> None:
    """Show the card of a citation."""
    ask(page, LONG[language]).locator(".answer-text .chip").first.hover()
    page.locator(".card").wait_for()


def away(page: Page, site: Site, language: str) -> None:
    """Show an answer that broke off because the service went away."""
    slow_stream(page, 10, cut_after=6)
    page.route("**/readyz", lambda route: route.abort())
    ask(page, LONG[language])
    page.locator("#banner:not([hidden])").wait_for()


def feedback(page: Page, site: Site, language: str) -> None:
    """Ask what is wrong with an answer."""
    turn = ask(page, LONG[language])
    turn.locator(".feedback button").nth(1).click()
    turn.locator(".reasons").scroll_into_view_if_needed()


def scope(page: Page, site: Site, language: str) -> None:
    """Show the choice of what is searched."""
    page.locator("#scope button").click()
    page.locator(".choice-list .choice").first.wait_for()


def evals(page: Page, site: Site, language: str) -> None:
    """Show a run of the eval view: the second of its set, so that it is compared with the first."""
    lines = (ROOT / "eval" / "sets" / "dev.jsonl").read_text().splitlines()
    cases = [case for case in map(json.loads, lines) if case["language"] == language][:12]
    name = f"dev-{language}.jsonl"
    while sum(run["name"] == name and run["state"] == "done" for run in site.call("/v1/evals")["data"]) < 2:
        if not any(run["state"] in ("queued", "running") for run in site.call("/v1/evals")["data"]):
            site.call("/v1/evals", {"name": name, "cases": cases})
        page.wait_for_timeout(500)
    page.evaluate("location.hash = '#/evals'")
    page.locator(".run h2 a", has_text=name).first.click()
    page.locator(".case-box summary").first.click()


STATES: dict[str, Callable[[Page, Site, str], None]] = {
    "welcome": welcome,
    "answer": answer,
    "refusal": refusal,
    "text": text,
    "page": pdf,
    "upload": upload,
    "card": card,
    "away": away,
    "feedback": feedback,
    "scope": scope,
    "evals": evals,
}


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--language", nargs="*", choices=LANGUAGES, default=LANGUAGES)
    parser.add_argument("--theme", nargs="*", choices=THEMES, default=THEMES)
    parser.add_argument("--width", nargs="*", type=int, choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--state", nargs="*", choices=list(STATES), default=list(STATES))
    parser.add_argument("--url", help="of a service that runs already")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    if wanted.url:
        take_all(Site(wanted.url, Path()), wanted)
        return
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "data", [DIGESTS, *REPORTS]) as site:
        take_all(site, wanted)


def take_all(site: Site, wanted: argparse.Namespace) -> None:
    """Take every picture that was asked for."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for language in wanted.language:
            for theme in wanted.theme:
                for width in wanted.width:
                    for state in wanted.state:
                        viewport = {"width": width, "height": SIZES[width]}
                        context = open_context(browser, site, language, theme, viewport=viewport, device_scale_factor=1)
                        page = context.new_page()
                        page.goto("/")
                        STATES[state](page, site, language)
                        page.wait_for_timeout(200)
                        page.screenshot(path=wanted.out / f"{state}-{language}-{theme}-{width}.png")
                        context.close()
        browser.close()


if __name__ == "__main__":
    main()
