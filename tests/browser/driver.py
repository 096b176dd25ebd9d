"""The real service on a corpus of its own, and the few gestures that the browser tests and the screenshots share."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path(os.environ.get("WENJU_CHROMIUM", "/usr/bin/chromium"))
DIGESTS = ROOT / "corpus" / "digests"
REPORTS = [ROOT / "corpus" / "reports" / name for name in ("ai-use-brief-en.pdf", "ai-economy-brief-zh-hant.pdf")]
CITED = {
    "en": "How did the May 2025 cohort of Claude 4 Sonnet do in month five?",
    "zh-Hans": "中国开放权重模型的词元占比是多少？",
    "zh-Hant": "Claude 4 Sonnet 的世代到第 5 個月還有多少使用者活躍？",
}
UNKNOWN = {"en": "What is the weather in Taipei tomorrow?", "zh-Hans": "明天台北的天气怎么样？", "zh-Hant": "明天台北的天氣如何？"}
_START_S = 180.0
PATIENCE_MS = 20_000
# One process for all pages of a site: a third less time for each test.
_FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-features=site-per-process,IsolateOrigins"]


@dataclass(frozen=True, slots=True)
class Site:
    """A running service."""

    url: str
    data_dir: Path

    def call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the API says to a GET, or to a POST of ``body``."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            record: dict[str, Any] = json.load(response)
        return record

    def answer(self, question: str) -> dict[str, Any]:
        """Return the answer object of a question."""
        return self.call("/v1/ask", {"question": question})

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return the documents by file name."""
        return {one["file_name"]: one for one in self.call("/v1/documents?limit=1000")["data"]}


def _environment(data_dir: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("WENJU_")}
    # No limit on the rate: the tests are one client that asks more than a person can.
    fixed = {"WENJU_EMBEDDING__PROVIDER": "none", "WENJU_SERVICE__RATE_PER_MINUTE": "0"}
    return own | fixed | {"WENJU_DATA_DIR": str(data_dir)}


def wenju(data_dir: Path, *arguments: str | Path) -> None:
    """Run the command on a data folder."""
    command = [sys.executable, str(ROOT / "wenju.py"), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=_environment(data_dir), capture_output=True, text=True, timeout=400, check=False)
    if done.returncode:
        raise RuntimeError(f"wenju {' '.join(map(str, arguments))}: {done.returncode}\n{done.stderr[-600:]}")


@contextmanager
def serving(data_dir: Path, files: Sequence[Path]) -> Iterator[Site]:
    """Ingest files and serve them until the block ends."""
    data_dir.mkdir(parents=True, exist_ok=True)
    if files:
        wenju(data_dir, "ingest", *files)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(ROOT / "wenju.py"), "serve", "--port", str(port)]
    log = (data_dir / "serve.log").open("wb")
    process = subprocess.Popen(command, cwd=ROOT, env=_environment(data_dir), stdout=log, stderr=log)
    site = Site(f"http://127.0.0.1:{port}", data_dir)
    try:
        _wait(site, process)
        yield site
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        log.close()


def _wait(site: Site, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            site.call("/readyz")
            # The first question loads the dictionaries; no test should pay for that.
            site.call("/v1/search", {"query": "模型 model"})
            site.call("/v1/suggestions?limit=12")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"the service did not start: {(site.data_dir / 'serve.log').read_text()[-600:]}")


def launch(playwright: Playwright) -> Browser:
    """Start Chromium."""
    return playwright.chromium.launch(executable_path=str(CHROMIUM), args=_FLAGS)


def open_context(browser: Browser, site: Site, language: str = "en", theme: str = "light", **options: Any) -> BrowserContext:
    """Return a context whose page speaks a language and wears a theme."""
    options = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light", "locale": "en-US"} | options
    context = browser.new_context(base_url=site.url, **options)
    # Long enough for a machine that does ten other things; what has to be quick is measured within the page.
    context.set_default_timeout(PATIENCE_MS)
    settings = json.dumps({"language": language, "theme": theme})
    # Only where nothing is kept yet: a reload must find what the page itself has written.
    context.add_init_script(f"if (!localStorage.getItem('wenju.settings')) localStorage.setItem('wenju.settings', {json.dumps(settings)});")
    return context


def ask(page: Page, question: str) -> Locator:
    """Ask by keyboard, wait for the end of the answer, and return the last turn."""
    before = page.locator("wj-turn").count()
    page.fill("#question", question)
    page.press("#question", "Enter")
    turn = page.locator("wj-turn").nth(before)
    turn.locator('.answer[aria-busy="false"]').wait_for()
    return turn


def address(citation: dict[str, Any]) -> str:
    """Return the page's address of a citation."""
    page = citation["page"] or 1
    start, end = citation["start_char_index"], citation["end_char_index"]
    return f"#/documents/{quote(citation['document_id'])}?page={page}&start={start}&end={end}"


# Passes the service's own events on one by one: slowly, up to a cut of the line, or up to a silence.
SLOW_STREAM = """
({ delay, cutAfter, holdAfter }) => {
  const real = (window.realFetch ??= window.fetch);
  window.fetch = async (path, options) => {
    const response = await real(path, options);
    if (!String(path).endsWith('/v1/ask')) return response;
    const frames = (await response.text()).split('\\n\\n').filter(Boolean).flatMap((frame) => {
      const text = /^event: delta\\ndata: (.*)$/s.exec(frame);
      if (!text) return [frame];
      const letters = Array.from(JSON.parse(text[1]).text);
      const pieces = [];
      for (let i = 0; i < letters.length; i += 12) pieces.push(letters.slice(i, i + 12).join(''));
      return pieces.map((piece) => `event: delta\\ndata: ${JSON.stringify({ text: piece })}`);
    });
    const signal = options?.signal;
    let at = 0;
    const body = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, at ? delay : 0));
        if (signal?.aborted) return controller.error(new DOMException('stopped', 'AbortError'));
        if (cutAfter && at >= cutAfter) return controller.error(new TypeError('network error'));
        if (holdAfter && at >= holdAfter) return new Promise(() => {});
        if (at >= frames.length) return controller.close();
        controller.enqueue(new TextEncoder().encode(`${frames[at]}\\n\\n`));
        at += 1;
      },
    });
    return new Response(body, { status: response.status, headers: response.headers });
  };
}
"""


def slow_stream(page: Page, delay: int = 30, cut_after: int = 0, hold_after: int = 0) -> None:
    """Make the page's next answers come in small pieces, ``delay`` ms apart."""
    page.evaluate(SLOW_STREAM, {"delay": delay, "cutAfter": cut_after, "holdAfter": hold_after})
