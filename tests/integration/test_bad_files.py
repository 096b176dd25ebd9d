"""Files that are broken, locked, huge or made to do harm: each costs itself only, is named, and is read in a limited child process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import makers
import pytest

from ingest.blocks import Head, Page
from ingest.build import BuildSummary, ingest_paths
from ingest.kb import worker
from ingest.kb.errors import LimitExceeded, LockedFile, NoTextFound, ReadError, UnsupportedFile
from ingest.kb.knowledge import KnowledgeBase
from ingest.kb.settings import ReadSettings, Settings
from ingest.kb.worker import close_workers, run_in_child
from ingest.report import print_summary
from ingest.sandbox import read_in_child
from ingest.split import split_page

GOOD = "# Use of models\n\nThe share of firms that use models rose to 78% in 2025.\n"


@pytest.fixture(autouse=True, scope="module")
def _no_children_left() -> Iterator[None]:
    yield
    close_workers()


def child(target: str, *, timeout_s: float = 20, memory_mb: int = 1_500, **arguments: Any) -> list[Any]:
    """Return what a function of ``makers`` yields in a child."""
    return list(run_in_child(f"makers:{target}", arguments, name="a.pdf", timeout_s=timeout_s, memory_mb=memory_mb))


def settings_for(folder: Path, **read: Any) -> Settings:
    """Return settings with a knowledge base of its own and no dense leg."""
    return Settings(data_dir=folder / "data", embedding={"provider": "none"}, read={"workers": 2, "ocr": "off", **read})


def outcomes(summary: BuildSummary) -> dict[str, tuple[str, str]]:
    """Return what became of each file, by name."""
    return {Path(result.path).name: (result.outcome, result.code) for result in summary.files}


# ---- the child -------------------------------------------------------------------------------------------------------------------------


def test_a_child_yields_what_the_function_yields() -> None:
    assert child("child_counts", upto=3) == [0, 1, 2]


def test_a_child_is_used_again_after_success_and_replaced_after_failure() -> None:
    first = child("child_pid")
    assert first != [os.getpid()]
    assert child("child_pid") == first
    with pytest.raises(ReadError):
        child("child_dies", signal=int(signal.SIGKILL))
    assert child("child_pid") != first


def test_a_child_that_hangs_is_killed() -> None:
    child("child_counts", upto=1)
    started = time.perf_counter()
    with pytest.raises(LimitExceeded, match=r"a\.pdf: reading took longer than 0\.5 s") as caught:
        child("child_sleeps", timeout_s=0.5, seconds=60)
    assert time.perf_counter() - started < 10
    assert "WENJU_READ__TIMEOUT_S" in caught.value.hint


def test_a_child_that_spins_is_killed() -> None:
    with pytest.raises(LimitExceeded, match="longer than"):
        child("child_spins", timeout_s=0.5)


def test_a_child_gets_the_time_that_it_asks_for_and_no_more() -> None:
    def asks(spare_s: float) -> list[Any]:
        arguments = {"ask": 60.0, "sleep": 2.5}
        return list(run_in_child("makers:child_asks_for_time", arguments, name="a.pdf", timeout_s=1.0, memory_mb=1_500, spare_s=spare_s))

    child("child_counts", upto=1)
    assert asks(60) == ["awake"]
    with pytest.raises(LimitExceeded, match=r"longer than 1 s"):
        asks(0)
    child("child_counts", upto=1)
    with pytest.raises(LimitExceeded, match=r"longer than 1\.5 s"):
        asks(0.5)


def test_memory_is_limited_in_the_child() -> None:
    with pytest.raises(LimitExceeded, match="needs more than 300 MiB") as caught:
        child("child_eats", memory_mb=300, megabytes=2_000)
    assert "WENJU_READ__MEMORY_MB" in caught.value.hint
    assert child("child_eats", megabytes=100) == [100]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_dead_child_is_a_read_error(number: signal.Signals) -> None:
    with pytest.raises(ReadError, match=r"a\.pdf: the reading process died") as caught:
        child("child_dies", signal=int(number))
    assert "other files are not affected" in caught.value.hint


def test_what_a_library_prints_is_no_frame() -> None:
    assert child("child_prints") == ["true"]


def test_endless_recursion_is_a_read_error() -> None:
    with pytest.raises(ReadError, match="nested too deeply"):
        child("child_recurses")
    assert child("child_counts", upto=1) == [0]


def test_no_secrets_are_handed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENJU_LLM__API_KEY", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    (names,) = child("child_environment")
    assert not {"WENJU_LLM__API_KEY", "AWS_SECRET_ACCESS_KEY"} & set(names)


def test_a_caller_that_stops_early_leaves_no_child() -> None:
    close_workers()
    frames = run_in_child("makers:child_sleeps", {"seconds": 60}, name="a", timeout_s=60, memory_mb=1_500)
    assert next(frames) == 1
    assert isinstance(frames, Iterator)
    started = time.perf_counter()
    frames.close()  # type: ignore[attr-defined]
    assert time.perf_counter() - started < 5
    assert worker._idle == []


# ---- files in the child ----------------------------------------------------------------------------------------------------------------


def read_limited(path: Path, *, password: str | None = None, **limits: Any) -> list[Head | Page]:
    """Return what a child reads of a file."""
    return list(read_in_child(path, settings=ReadSettings(**limits), password=password))


def test_the_child_reads_what_this_process_reads(tmp_path: Path) -> None:
    for name, data in {
        "a.pdf": makers.pdf_table([("A", "B"), ("x", "1"), ("y", "2"), ("z", "3")], ruled=True),
        "b.md": GOOD.encode(),
        "c.docx": makers.docx_report(),
    }.items():
        path = makers.put(tmp_path, name, data)
        head, pages = makers.read(path)
        assert read_limited(path) == [head, *pages]


def test_errors_keep_their_kind_and_name_the_file(tmp_path: Path) -> None:
    locked = makers.pdf_locked(makers.pdf_plain([makers.PROSE]), user="reader", owner="owner")
    for name, data, kind in [
        ("empty.md", b"", NoTextFound),
        ("image.md", b"\x89PNG\r\n\x1a\n", UnsupportedFile),
        ("locked.pdf", locked, LockedFile),
        ("cut.pdf", b"%PDF-1.7\n nothing", ReadError),
        ("bomb.docx", makers.docx_bomb(), LimitExceeded),
    ]:
        with pytest.raises(kind, match=f"^{name}: ") as caught:
            read_limited(makers.put(tmp_path, name, data))
        assert type(caught.value) is kind
        assert caught.value.hint
    assert read_limited(tmp_path / "locked.pdf", password="reader")


@pytest.mark.slow
def test_a_flate_bomb_stays_within_the_childs_limits(tmp_path: Path) -> None:
    path = makers.put(tmp_path, "bomb.pdf", makers.pdf_flate_bomb(800))
    assert path.stat().st_size < 100_000
    started = time.perf_counter()
    with pytest.raises(ReadError):
        read_limited(path, memory_mb=600, timeout_s=6)
    assert time.perf_counter() - started < 20
    # The next file is read as if nothing had been.
    assert read_limited(makers.put(tmp_path, "good.md", GOOD))


# ---- files in an ingest ----------------------------------------------------------------------------------------------------------------


def test_each_bad_file_costs_itself_only(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    pdf = makers.pdf_plain([makers.PROSE])
    files: dict[str, tuple[bytes, str]] = {
        "good.md": (GOOD.encode(), ""),
        "good.pdf": (pdf, ""),
        "pdf-named.md": (makers.pdf_plain(["Another text of a report. " + makers.PROSE]), ""),
        "markdown-named.pdf": (b"# A heading\n\nA text under it.\n", ""),
        "big5.md": ("# 報告\n\n人工智慧在企業中的採用率逐年上升。\n".encode("big5"), ""),
        "empty.md": (b"", "no_text"),
        "blank.md": (b"---\ntitle: A\n---\n\n", "no_text"),
        "heading.md": (b"# Nothing but a heading\n", "no_text"),
        "image.md": (b"\x89PNG\r\n\x1a\n\x00", "unsupported"),
        "locked.pdf": (makers.pdf_locked(pdf, user="reader", owner="owner"), "locked_file"),
        "scan.pdf": (makers.pdf_picture(), "no_text"),
        "header.pdf": (b"%PDF-1.7\n", "unreadable"),
        "long.pdf": (makers.pdf_plain(["one page. "] * 6), "limit"),
        "heavy.txt": (b"word " * 60_000, "limit"),
        "broken.docx": (makers.docx_report()[:2_000], "unsupported"),
    }
    for name, (data, _) in files.items():
        makers.put(folder, name, data)
    settings = settings_for(tmp_path, max_pages=5, max_bytes=200_000)
    summary = ingest_paths(settings, [folder])
    assert outcomes(summary) == {name: ("failed" if code else "added", code) for name, (_, code) in files.items()}
    assert summary.exit_code == 3
    assert summary.documents == 5
    for result in summary.failed:
        assert Path(result.path).name in result.reason
        assert result.hint
    scan = next(result for result in summary.failed if result.path.endswith("scan.pdf"))
    assert "scan" in scan.reason


def test_a_file_that_takes_too_long_is_reported(tmp_path: Path) -> None:
    makers.put(tmp_path, "reports/slow.md", "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 200_000)
    makers.put(tmp_path, "reports/z-good.md", GOOD)
    # Long enough for a child to start and to read the small file.
    summary = ingest_paths(settings_for(tmp_path, timeout_s=4, workers=1), [tmp_path / "reports"])
    assert outcomes(summary) == {"slow.md": ("failed", "limit"), "z-good.md": ("added", "")}
    assert "slow.md: reading took longer than 4 s" in summary.failed[0].reason


def test_a_password_opens_a_locked_file(tmp_path: Path) -> None:
    path = makers.put(tmp_path, "locked.pdf", makers.pdf_locked(makers.pdf_plain([makers.PROSE]), user="reader", owner="owner"))
    settings = settings_for(tmp_path)
    assert ingest_paths(settings, [path]).failed[0].code == "locked_file"
    assert ingest_paths(settings, [path], password="reader").exit_code == 0


def test_a_page_without_text_is_a_warning(tmp_path: Path) -> None:
    path = makers.put(tmp_path, "a.pdf", makers.pdf_plain([makers.PROSE, "", "The last page has a text of its own."]))
    (result,) = ingest_paths(settings_for(tmp_path), [path]).files
    assert result.outcome == "added"
    assert result.pages == 3
    assert result.warnings == ("no text on 1 of 3 pages: 2",)


ODD = (
    "x\\..\\..\\etc\\passwd.md",
    "report\u202efdp.md",
    "a\nb.md",
    "名\u200b字.md",
    "-rf.md",
    "%2e%2e%2f.md",
    "a'\";--.md",
    "x" * 200 + ".md",
)


def test_odd_names_are_names_only(tmp_path: Path) -> None:
    paths = {str(makers.put(tmp_path / "reports", name, f"{GOOD}\nFile {number}.\n")) for number, name in enumerate(ODD)}
    settings = settings_for(tmp_path)
    summary = ingest_paths(settings, [tmp_path / "reports"])
    assert summary.exit_code == 0
    assert {result.path for result in summary.files} == paths
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "reports"]
    assert all(len(entry.name) == 64 for entry in (settings.data_dir / "originals").iterdir())
    assert len(list((settings.data_dir / "originals").iterdir())) == len(ODD)


def test_shown_names_are_never_paths(tmp_path: Path) -> None:
    shown = ("../../../escape.md", "/etc/cron.d/x.md", "a/b/c.md", "..", "\u202egpj.md")
    names = {makers.put(tmp_path / "uploads", f"{number}", f"{GOOD}\nFile {number}.\n"): name for number, name in enumerate(shown)}
    settings = settings_for(tmp_path)
    assert ingest_paths(settings, list(names), names=names).exit_code == 0
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "uploads"]
    assert len(list((settings.data_dir / "originals").iterdir())) == len(shown)
    kb = KnowledgeBase(settings)
    # An upload is no file that could be missed later.
    assert kb.catalogue.sources() == {}
    kb.close()


@pytest.mark.slow
def test_long_tables_and_lines_are_ingested(tmp_path: Path) -> None:
    rows = "".join(f"| model-{n} | {n % 97}% |\n" for n in range(10_000))
    table = makers.put(tmp_path, "long.md", "# Shares\n\n| Model | Share |\n|---|---|\n" + rows)
    line = makers.put(tmp_path, "line.txt", "模型的使用逐年成長" * (1_000_000 // 27))
    started = time.perf_counter()
    summary = ingest_paths(settings_for(tmp_path), [table, line])
    assert time.perf_counter() - started < 60
    assert summary.exit_code == 0
    assert [result.passages for result in summary.files] == [-(-10_001 // 12), pytest.approx(1_000_000 / 3 / 1_280, rel=0.02)]


# ---- third-party files -----------------------------------------------------------------------------------------------------------------

UNREADABLE = {"x_encrypted_aes256_r6.pdf": "locked_file", "x_scanned.pdf": "no_text"}


@pytest.mark.shared
@pytest.mark.slow
def test_third_party_files_are_read_but_the_locked_and_the_scanned(shared_dir: Path, tmp_path: Path) -> None:
    folder = shared_dir / "corpus"
    settings = settings_for(tmp_path)
    summary = ingest_paths(settings, [folder / "md", folder / "pdf"])
    failed = {Path(result.path).name: result.code for result in summary.failed}
    assert failed == {name: code for name, code in UNREADABLE.items() if (folder / "pdf" / name).exists()}
    for result in summary.failed:
        assert Path(result.path).name in result.reason
    kb = KnowledgeBase(settings)
    count = 0
    for document in kb.catalogue.documents().values():
        pages = {page.number: page for page in kb.catalogue.pages(document.id)}
        for page in pages.values():
            makers.check_page(page)
        for passage, text in kb.catalogue.passages_of([document.id]):
            assert text == pages[passage.page].text[passage.start : passage.end]
            assert text.strip()
            count += 1
        made = [
            passage
            for page in pages.values()
            for passage in split_page(
                page, document_id=document.id, sha256=document.sha256, language=document.language, settings=settings.retrieval
            )
        ]
        assert made == [passage for passage, _ in kb.catalogue.passages_of([document.id])]
    kb.close()
    assert count == summary.passages > 500


@pytest.mark.shared
def test_third_party_locked_files_open_with_their_password(shared_dir: Path) -> None:
    path = shared_dir / "corpus" / "pdf" / "x_encrypted_aes256_r6.pdf"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    assert read_limited(path, password="usersecret")


# ---- what is said of them ----------------------------------------------------------------------------------------------------------------


def test_a_scrap_under_the_name_of_a_pdf_is_called_none(tmp_path: Path) -> None:
    makers.put(tmp_path / "in", "bad.pdf", "not a pdf at all")
    (result,) = ingest_paths(settings_for(tmp_path), [tmp_path / "in"]).files
    assert (result.outcome, result.code) == ("failed", UnsupportedFile.code)
    assert "is no PDF, whatever its name says" in result.reason


def test_a_text_under_the_name_of_a_pdf_is_read(tmp_path: Path) -> None:
    head, _ = makers.read(makers.put(tmp_path, "notes.pdf", "Notes\n\nThe share rose to 78% in 2025.\n"))
    assert head.media_type == "text/plain"


def test_the_name_of_a_file_that_failed_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    makers.put(tmp_path / "in", "blank.md", "\n \n")
    makers.put(tmp_path / "in", "bad.pdf", "not a pdf at all")
    print_summary(ingest_paths(settings_for(tmp_path), [tmp_path / "in"]))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("!")]
    assert [line.count(name) for line, name in zip(lines, ("bad.pdf", "blank.md"), strict=True)] == [1, 1]
    assert "! blank.md: there is no text in it" in lines
    # Reading pictures would not help a text file.
    (blank,) = (result for result in ingest_paths(settings_for(tmp_path), [tmp_path / "in"]).files if result.path.endswith("blank.md"))
    assert "OCR" not in blank.hint.upper()
