"""Every kind of bad file by the command line and by upload: reported by name, exit code 3, the service alive; what can be read is read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hostile_pdfs
import makers
import pytest
from service_kit import serving

import wenju
from ingest.build import ingest_paths
from ingest.kb.knowledge import KnowledgeBase
from ingest.kb.settings import Settings
from ingest.kb.worker import close_workers

pytest_plugins = ("service_kit",)

PASSWORD = "reader-of-7-secrets"
API_KEY = "key-of-9-doors"


def _locked() -> bytes:
    return makers.pdf_locked(makers.pdf_plain([makers.PROSE]), user=PASSWORD, owner="owner")


# What cannot be read: name, content, the code that it is reported with.
BAD: dict[str, tuple[Callable[[], bytes], tuple[str, ...]]] = {
    "locked.pdf": (_locked, ("locked_file",)),
    "cut.pdf": (hostile_pdfs.cut_off, ("unreadable",)),
    "flate.pdf": (lambda: makers.pdf_flate_bomb(400), ("unreadable", "limit")),
    "forms.pdf": (hostile_pdfs.forms_that_multiply, ("unreadable", "limit")),
    "form-circle.pdf": (hostile_pdfs.form_in_a_circle, ("unreadable", "limit")),
    "deep.pdf": (lambda: hostile_pdfs.deep_tree(5_000), ("no_text", "unreadable")),
    "circle.pdf": (hostile_pdfs.object_in_a_circle, ("unreadable",)),
    "huge.pdf": (lambda: hostile_pdfs.huge_page(2_000_000_000), ("no_text", "unreadable")),
    "empty.md": (lambda: b"", ("no_text",)),
    "unpacks.docx": (makers.docx_bomb, ("limit",)),
}


@pytest.fixture(autouse=True, scope="module")
def _no_children_left() -> Iterator[None]:
    yield
    close_workers()


def limited(data: Path) -> Settings:
    """Return settings with a knowledge base of its own, no dense leg, and limits that a bomb meets soon."""
    return Settings(data_dir=data, embedding={"provider": "none"}, read={"ocr": "off", "timeout_s": 20, "memory_mb": 700})


def environ(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    """Set the same for the command line."""
    for name, value in {
        "WENJU_DATA_DIR": str(data),
        "WENJU_EMBEDDING__PROVIDER": "none",
        "WENJU_READ__OCR": "off",
        "WENJU_READ__TIMEOUT_S": "20",
        "WENJU_READ__MEMORY_MB": "700",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_reported_with_exit_code_3(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make, codes = BAD[name]
    makers.put(tmp_path, f"in/{name}", make())
    makers.put(tmp_path, "in/good.md", "# Use\n\nThe share of firms that use models rose to 78% in 2025.\n")
    environ(monkeypatch, tmp_path / "data")
    started = time.monotonic()
    assert wenju.main(["ingest", "--json", str(tmp_path / "in")]) == 3
    assert time.monotonic() - started < 120
    record = json.loads(capsys.readouterr().out)
    found = {Path(file["path"]).name: file for file in record["files"]}
    assert (found["good.md"]["outcome"], record["documents"], record["failed"]) == ("added", 1, 1)
    assert found[name]["outcome"] == "failed"
    assert found[name]["code"] in codes
    assert name in found[name]["reason"]
    assert found[name]["hint"]


@pytest.mark.slow
async def test_the_service_lives_on_after_every_bad_upload(tmp_path: Path) -> None:
    async with serving(limited(tmp_path / "data")) as client:
        for name, (make, codes) in BAD.items():
            answer = await client.post("/v1/documents", files={"file": (name, make())})
            if answer.status_code == 202:
                job = await client.finished(answer.json()["id"], 90)
                assert job["state"] == "failed", (name, job)
                assert {error["code"] for error in job["errors"]} <= set(codes), (name, job)
            else:
                assert 400 <= answer.status_code < 500, (name, answer.text)
            assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/v1/documents")).json()["total"] == 0


@pytest.mark.parametrize(
    ("make", "pages"),
    [
        (lambda: hostile_pdfs.deep_tree(500), 1),
        (hostile_pdfs.tree_in_a_circle, 1_000),
        (hostile_pdfs.parent_in_a_circle, 1),
        (hostile_pdfs.table_in_a_circle, 1),
        (hostile_pdfs.outline_in_a_circle, 1),
    ],
)
def test_a_crooked_pdf_that_can_be_read_is_read(make: Callable[[], bytes], pages: int, tmp_path: Path) -> None:
    path = makers.put(tmp_path, "a.pdf", make())
    (result,) = ingest_paths(limited(tmp_path / "data"), [path]).files
    assert (result.outcome, result.pages) == ("added", pages)
    kb = KnowledgeBase(limited(tmp_path / "data"))
    assert hostile_pdfs.TEXT in next(iter(kb.catalogue.pages(result.document_id))).text
    kb.close()


def test_a_pdf_named_markdown_and_the_reverse_are_read_as_what_they_are(tmp_path: Path) -> None:
    one = makers.put(tmp_path, "a.md", makers.pdf_plain([makers.PROSE]))
    two = makers.put(tmp_path, "b.pdf", "# Heading\n\nThe share rose to 78%.\n")
    settings = limited(tmp_path / "data")
    assert ingest_paths(settings, [one, two]).exit_code == 0
    kb = KnowledgeBase(settings)
    kinds = {document.media_type for document in kb.catalogue.documents().values()}
    kb.close()
    assert kinds == {"application/pdf", "text/markdown"}


def test_a_locked_file_asks_for_its_password_by_name_and_logs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = makers.put(tmp_path, "locked.pdf", _locked())
    environ(monkeypatch, tmp_path / "data")
    monkeypatch.setenv("WENJU_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("WENJU_LLM__API_KEY", API_KEY)
    assert wenju.main(["ingest", str(path)]) == 3
    said = capfd.readouterr()
    assert "locked.pdf" in said.out + said.err
    assert "--password" in said.out + said.err
    assert wenju.main(["ingest", str(path), "--password", f"not-{PASSWORD}"]) == 3
    assert wenju.main(["ingest", str(path), "--password", PASSWORD]) == 0
    more = capfd.readouterr()
    for secret in (PASSWORD, API_KEY):
        assert secret not in said.out + said.err + more.out + more.err
        stored = [file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file() and "originals" not in file.parts]
        assert stored
        assert secret.encode() not in b"".join(stored)
