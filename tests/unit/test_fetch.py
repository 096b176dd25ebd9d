"""Downloading originals from a server on loopback that misbehaves as told."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ingest.fetch import FetchResult, fetch_sources, load_sources
from ingest.kb.errors import SourceError

BODY = bytes(range(256)) * 1_000


@dataclass
class Origin:
    """The server: ``fault`` is what the next reply does."""

    fault: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                wanted = self.headers.get("range", "")
                origin.asked.append((self.path, wanted))
                fault, origin.fault = origin.fault, ""
                if fault.isdigit():
                    self.send_response(int(fault))
                    self.send_header("Location", "/elsewhere.pdf")
                    self.end_headers()
                    return
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and fault != "no ranges" else 0
                body = BODY[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def origin() -> Iterator[Origin]:
    running = Origin()
    yield running
    running.close()


def _fetch(folder: Path, address: str, *, sha256: str = "", **more: Any) -> FetchResult:
    listing = folder / "sources.toml"
    listing.write_text(f'[[source]]\ntitle = "no address"\n\n[[source]]\nfetch = "{address}"\nfile = "a.pdf"\nfetch_sha256 = "{sha256}"\n')
    (result,) = fetch_sources(listing, folder / "out", **more)
    return result


def test_a_file_is_downloaded(origin: Origin, tmp_path: Path) -> None:
    told: list[str] = []
    result = _fetch(tmp_path, f"{origin.url}/a.pdf", sha256=hashlib.sha256(BODY).hexdigest(), report=told.append)
    assert result.ok
    assert (tmp_path / "out" / "a.pdf").read_bytes() == BODY
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.pdf"]
    assert origin.asked == [("/a.pdf", "")]
    assert told[0].startswith("ok")


def test_a_cut_download_goes_on_where_it_stopped(origin: Origin, tmp_path: Path) -> None:
    origin.fault = "cut"
    first = _fetch(tmp_path, f"{origin.url}/a.pdf")
    assert not first.ok
    assert not (tmp_path / "out" / "a.pdf").exists()
    have = (tmp_path / "out" / "a.pdf.part").stat().st_size
    assert 0 < have < len(BODY)
    assert _fetch(tmp_path, f"{origin.url}/a.pdf").ok
    assert origin.asked[1] == ("/a.pdf", f"bytes={have}-")
    assert (tmp_path / "out" / "a.pdf").read_bytes() == BODY


def test_a_server_without_ranges_sends_all_of_it_anew(origin: Origin, tmp_path: Path) -> None:
    origin.fault = "cut"
    _fetch(tmp_path, f"{origin.url}/a.pdf")
    origin.fault = "no ranges"
    assert _fetch(tmp_path, f"{origin.url}/a.pdf").ok
    assert (tmp_path / "out" / "a.pdf").read_bytes() == BODY


def test_what_no_longer_fits_is_thrown_away(origin: Origin, tmp_path: Path) -> None:
    origin.fault = "cut"
    _fetch(tmp_path, f"{origin.url}/a.pdf")
    origin.fault = "416"
    assert not _fetch(tmp_path, f"{origin.url}/a.pdf").ok
    assert not (tmp_path / "out" / "a.pdf.part").exists()
    assert _fetch(tmp_path, f"{origin.url}/a.pdf").ok


def test_a_file_over_the_limit_is_not_kept(origin: Origin, tmp_path: Path) -> None:
    result = _fetch(tmp_path, f"{origin.url}/a.pdf", max_bytes=100_000)
    assert not result.ok
    assert "larger than 100,000 bytes" in result.message
    assert list((tmp_path / "out").iterdir()) == []


def test_a_wrong_checksum_is_not_kept(origin: Origin, tmp_path: Path) -> None:
    result = _fetch(tmp_path, f"{origin.url}/a.pdf", sha256="0" * 64)
    assert not result.ok
    assert "expected 000" in result.message
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("status", ["301", "302", "307", "403", "404", "500"])
def test_redirects_and_errors_are_not_followed(origin: Origin, tmp_path: Path, status: str) -> None:
    origin.fault = status
    result = _fetch(tmp_path, f"{origin.url}/a.pdf")
    assert not result.ok
    assert f"the server answered {status}" in result.message
    assert origin.asked == [("/a.pdf", "")]


def test_what_is_there_is_not_asked_for(origin: Origin, tmp_path: Path) -> None:
    _fetch(tmp_path, f"{origin.url}/a.pdf")
    assert _fetch(tmp_path, f"{origin.url}/a.pdf").message == "already there"
    assert len(origin.asked) == 1


@pytest.mark.parametrize("address", ["http://example.org/a.pdf", "ftp://example.org/a.pdf", "file:///etc/passwd", "//example.org/a.pdf"])
def test_only_https_leaves_this_machine(tmp_path: Path, address: str) -> None:
    result = _fetch(tmp_path, address)
    assert not result.ok
    assert "not an https address" in result.message
    assert not (tmp_path / "out").exists()


def test_a_file_name_cannot_leave_the_folder(origin: Origin, tmp_path: Path) -> None:
    listing = tmp_path / "sources.toml"
    listing.write_text(f'[[source]]\nfetch = "{origin.url}/a.pdf"\nfile = "../../evil.pdf"\n')
    (result,) = fetch_sources(listing, tmp_path / "deep" / "out")
    assert result.path == tmp_path / "deep" / "out" / "evil.pdf"


def test_nothing_but_the_listed_is_asked_for(origin: Origin, tmp_path: Path) -> None:
    listing = tmp_path / "sources.toml"
    listing.write_text(f'[[source]]\nurl = "{origin.url}/page.html"\n')
    assert fetch_sources(listing, tmp_path) == []
    assert origin.asked == []


@pytest.mark.parametrize("text", ["[[source", "source = "])
def test_a_malformed_list_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "sources.toml").write_text(text)
    with pytest.raises(SourceError, match=r"sources\.toml"):
        load_sources(tmp_path / "sources.toml")
    with pytest.raises(SourceError, match="nowhere"):
        load_sources(tmp_path / "nowhere.toml")


def test_our_own_list_has_https_addresses_only(repository: Path) -> None:
    addresses = [entry["fetch"] for entry in load_sources(repository / "corpus" / "sources.toml") if entry.get("fetch")]
    assert all(address.startswith("https://") for address in addresses)
