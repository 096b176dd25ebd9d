"""``wenju doctor``, ``verify``, ``backup``, ``restore``, ``gc`` and ``upgrade``; schema versions of the catalogue."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import tarfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from makers import PROSE, put

import ingest.build
import wenju
from ingest.build import ingest_paths
from ingest.kb import Settings
from ingest.kb.catalogue import SCHEMA_VERSION, Catalogue
from ingest.kb.errors import KnowledgeBaseError, LockedError, SourceError
from ingest.kb.generation import Layout, file_digest, writer_lock
from ingest.kb.settings import EmbeddingSettings
from ingest.ops.backup import backup
from ingest.ops.restore import restore
from ingest.ops.upkeep import collect
from ingest.ops.verify import verify
from ingest.readers import read_file


@pytest.fixture(autouse=True)
def _read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(path: Path, *, settings: Any, password: str | None = None, name: str = "") -> Any:
        return read_file(path, settings, password=password, name=name)

    monkeypatch.setattr(ingest.build, "read_in_child", here)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A library of two documents in a data directory that the command line uses too."""
    put(tmp_path / "corpus", "one.md", f"# One\n\n{PROSE}\n")
    put(tmp_path / "corpus", "二.md", "# 二\n\n企業採用人工智慧的比例達到百分之七十八。\n")
    monkeypatch.setenv("WENJU_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WENJU_EMBEDDING__PROVIDER", "none")
    settings = Settings(data_dir=tmp_path / "data", embedding=EmbeddingSettings(provider="none"))
    ingest_paths(settings, [tmp_path / "corpus"])
    return settings


def layout(settings: Settings) -> Layout:
    return Layout(settings.data_dir)


def lines(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    code = wenju.main(["doctor", "--json", *argv])
    record = json.loads(capsys.readouterr().out)
    return code, {check["name"]: check["state"] for check in record["checks"]}, record


# ---- doctor --------------------------------------------------------------------------------------------------------------------------


def test_healthy(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    code, states, _ = lines(capsys)
    assert code == 0
    assert "fail" not in states.values()
    assert set(states) >= {"versions", "settings", "data_dir", "disk", "lock", "lexicon", "embedder", "llm", "ocr", "cache", "catalogue"}
    assert set(states) >= {"originals", "generation", "segments"}
    assert wenju.main(["doctor"]) == 0
    assert "ok" in capsys.readouterr().out


def test_nothing_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WENJU_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("WENJU_EMBEDDING__PROVIDER", "none")
    code, states, _ = lines(capsys)
    assert code == 0
    assert states["catalogue"] == "warn"
    assert not (tmp_path / "none").exists(), "looking changes nothing"


def test_uploads_that_were_left_behind_are_told_and_removed(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    for name, age_s in (("old", 2 * 24 * 3600), ("young", 60)):
        put(settings.data_dir / "uploads" / name, "upload.md", "# Left\n")
        os.utime(settings.data_dir / "uploads" / name, (time.time() - age_s,) * 2)
    code, states, _ = lines(capsys)
    assert (code, states["uploads"]) == (0, "warn")
    code, states, record = lines(capsys, "--fix")
    assert (code, states["uploads"]) == (0, "ok")
    assert record["fixed"]
    assert [path.name for path in (settings.data_dir / "uploads").iterdir()] == ["young"], "a running service may still read it"


def test_a_chroma_server_that_is_down_is_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "chroma_server" not in lines(capsys)[1]
    monkeypatch.setenv("WENJU_VECTOR__URL", "http://127.0.0.1:9")
    code, states, _ = lines(capsys)
    assert (code, states["chroma_server"]) == (0, "warn")


def test_fix_rebuilds(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    segment = next(layout(settings).segments.iterdir())
    os.truncate(segment / "rows.npy", 10)
    (layout(settings).segments / ".building-seg-000000000000").mkdir()
    code, states, _ = lines(capsys)
    assert (code, states["segments"]) == (4, "fail")
    code, states, record = lines(capsys, "--fix")
    assert (code, states["segments"]) == (0, "ok")
    assert any("from the catalogue" in line for line in record["fixed"])
    assert not list(layout(settings).segments.glob(".building*"))
    assert verify(layout(settings)).faults == []


def test_unknown_setting(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WENJU_EMBEDING__PROVIDER", "none")
    code, states, _ = lines(capsys)
    assert (code, states["settings"]) == (4, "fail")


def test_unreachable_llm_is_a_warning_without_secrets(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WENJU_LLM__BASE_URL", "http://someone:hunter2@127.0.0.1:9/v1")
    monkeypatch.setenv("WENJU_LLM__API_KEY", "sk-canary")
    started = time.monotonic()
    code, states, record = lines(capsys)
    assert (code, states["llm"]) == (0, "warn")
    assert time.monotonic() - started < 15
    assert "hunter2" not in json.dumps(record)
    assert "sk-canary" not in json.dumps(record)


def test_lock_is_told(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with writer_lock(layout(settings)):
        _, states, record = lines(capsys)
    assert states["lock"] == "warn"
    assert f"pid {os.getpid()}" in json.dumps(record)


def test_missing_original_and_broken_catalogue(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    next(layout(settings).originals.iterdir()).unlink()
    code, states, _ = lines(capsys)
    assert (code, states["originals"]) == (0, "warn")
    assert wenju.main(["verify"]) == 4
    capsys.readouterr()
    layout(settings).catalogue.write_bytes(b"x" * 5_000)
    code, states, _ = lines(capsys, "--fix")
    assert (code, states["catalogue"]) == (4, "fail")


# ---- verify --------------------------------------------------------------------------------------------------------------------------


def test_verify_finds_a_span_out_of_its_page(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(layout(settings).catalogue) as connection:
        connection.execute('UPDATE passages SET "end" = 100000 WHERE id = (SELECT min(id) FROM passages)')
    result = verify(layout(settings))
    assert len(result.faults) == 1
    assert "is not on page 1" in result.faults[0]
    assert wenju.main(["verify", "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_verify_finds_a_passage_that_is_not_indexed(settings: Settings) -> None:
    with sqlite3.connect(layout(settings).catalogue) as connection:
        connection.execute("UPDATE passages SET id = 'p_unknown' WHERE id = (SELECT min(id) FROM passages)")
    assert any("p_unknown" in fault for fault in verify(layout(settings)).faults)


# ---- backup and restore --------------------------------------------------------------------------------------------------------------


def tree(folder: Path) -> dict[str, str]:
    kept = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in ("writer.lock", "catalogue.sqlite3"))
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in kept if path.suffix != ".lock"}


def rows(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize("name", ["kb.tar", "kb.tar.gz"])
def test_backup_and_restore(settings: Settings, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "backups" / name
    assert wenju.main(["backup", str(file)]) == 0
    assert file.stat().st_mode & 0o077 == 0
    assert wenju.main(["restore", str(file), "--to", str(tmp_path / "new")]) == 0
    assert tree(tmp_path / "new") == tree(settings.data_dir)
    assert rows(tmp_path / "new" / "catalogue.sqlite3") == rows(layout(settings).catalogue)
    assert verify(Layout(tmp_path / "new")).faults == []
    assert not [path for path in settings.data_dir.iterdir() if path.name.startswith(".")]


def test_restore_refuses_what_is_there(settings: Settings, tmp_path: Path) -> None:
    backup(layout(settings), tmp_path / "kb.tar")
    before = tree(settings.data_dir)
    put(tmp_path / "corpus", "three.md", f"# Three\n\n{PROSE}\n")
    ingest_paths(settings, [tmp_path / "corpus"])
    with pytest.raises(SourceError, match="not empty"):
        restore(tmp_path / "kb.tar", layout(settings))
    with writer_lock(layout(settings)), pytest.raises(LockedError):
        restore(tmp_path / "kb.tar", layout(settings), force=True)
    assert restore(tmp_path / "kb.tar", layout(settings), force=True).documents == 2
    assert tree(settings.data_dir) == before
    assert verify(layout(settings)).faults == []


def altered(file: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> None:
    """Write an archive anew with its members changed."""
    with tarfile.open(file) as archive:
        members = [(member, (archive.extractfile(member) or io.BytesIO()).read()) for member in archive]
    change(members)
    with tarfile.open(file, "w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def other_bytes(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    place = next(number for number, (member, _) in enumerate(members) if member.name.startswith("originals/"))
    member, content = members[place]
    members[place] = (member, b"X" + content[1:])


def other_list(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    members[0] = (members[0][0], members[0][1].replace(b'"generation": "gen-000001"', b'"generation": "gen-000002"'))


def one_more(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    members.insert(1, (tarfile.TarInfo("CURRENT.bak"), b"x"))


def one_less(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    del members[2]


def climber(members: list[tuple[tarfile.TarInfo, bytes]], name: str = "originals/../../../escaped") -> None:
    """A name that leads out of the folder, rightly listed and sealed."""
    record = json.loads(members[0][1])
    record["files"][name] = {"size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    manifest = json.dumps(record).encode("utf-8")
    members[0] = (members[0][0], manifest)
    members[-1] = (members[-1][0], hashlib.sha256(manifest).hexdigest().encode("ascii"))
    members.insert(1, (tarfile.TarInfo(name), b"x"))


def absolute(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    climber(members, "/originals/escaped")


@pytest.mark.parametrize("change", [other_bytes, other_list, one_more, one_less, climber, absolute])
def test_altered_archives_are_refused(settings: Settings, tmp_path: Path, change: Callable[[Any], None]) -> None:
    backup(layout(settings), tmp_path / "kb.tar")
    altered(tmp_path / "kb.tar", change)
    with pytest.raises(SourceError):
        restore(tmp_path / "kb.tar", Layout(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    assert not (tmp_path.parent / "escaped").exists()


def test_links_are_refused(settings: Settings, tmp_path: Path) -> None:
    backup(layout(settings), tmp_path / "kb.tar")
    with tarfile.open(tmp_path / "kb.tar", "a") as archive:
        member = tarfile.TarInfo("originals/link")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(SourceError):
        restore(tmp_path / "kb.tar", Layout(tmp_path / "new"))


@pytest.mark.parametrize("name", ["kb.tar", "kb.tar.gz"])
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9, 0.999])
def test_archives_that_were_cut_off_are_refused(settings: Settings, tmp_path: Path, name: str, share: float) -> None:
    file = tmp_path / name
    backup(layout(settings), file)
    with tarfile.open(file) as archive:
        # A tar ends in blocks of zeros, which say nothing: cut before the end of what does.
        end = archive.getmembers()[-1].offset_data if name.endswith(".tar") else file.stat().st_size
    os.truncate(file, int(end * share))
    with pytest.raises(SourceError):
        restore(file, layout(settings), force=True)
    assert verify(layout(settings)).faults == []


def test_no_archive_at_all(settings: Settings, tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04 not a tar", os.urandom(20_000), gzip.compress(b"hello")):
        path = put(tmp_path, "some.tar", content)
        with pytest.raises(SourceError):
            restore(path, Layout(tmp_path / "new"))
    with pytest.raises(SourceError, match="no file"):
        restore(tmp_path / "missing.tar", Layout(tmp_path / "new"))


def test_backup_beside_a_writer(settings: Settings, tmp_path: Path) -> None:
    """Every archive made while another thread publishes holds one generation and its documents."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            put(tmp_path / "corpus", "one.md", f"# One\n\n{PROSE} Round {number} of the count.\n")
            ingest_paths(settings, [tmp_path / "corpus"])
            stop.wait(0.3)

    thread = threading.Thread(target=write)
    thread.start()
    made = 0
    try:
        for number in range(5):
            # A writer that publishes faster than can be copied is a reason to refuse, never to write half.
            with suppress(KnowledgeBaseError):
                backup(layout(settings), tmp_path / f"kb-{number}.tar")
                made += 1
    finally:
        stop.set()
        thread.join()
    assert made
    for number, file in enumerate(sorted(tmp_path.glob("kb-*.tar"))):
        target = Layout(tmp_path / f"restored-{number}")
        assert restore(file, target).documents in (2, 3)
        assert verify(target).faults == []


# ---- schema versions, gc -------------------------------------------------------------------------------------------------------------


def age(path: Path, version: int) -> None:
    """Take a catalogue back to an older schema."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE pending")
        if version < 1:
            connection.execute("DROP TABLE feedback")
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (str(version),))


@pytest.mark.parametrize("version", [0, 1])
def test_older_schema_is_taken_along(settings: Settings, version: int, capsys: pytest.CaptureFixture[str]) -> None:
    age(layout(settings).catalogue, version)
    assert wenju.main(["upgrade"]) == 0
    said = capsys.readouterr().out
    assert f"schema {version} to {SCHEMA_VERSION}" in said
    assert (settings.data_dir / f"catalogue-schema{version}.sqlite3").exists()
    catalogue = Catalogue(layout(settings).catalogue)
    catalogue.put_feedback("2026-01-01", {"vote": "up"})
    assert len(catalogue.documents()) == 2
    catalogue.close()
    assert verify(layout(settings)).faults == []


@pytest.mark.parametrize("name", ["schema-1", "schema-2"])
def test_what_an_earlier_version_made(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data directories that earlier versions wrote: refused with a hint or answered from, taken along, never silently empty."""
    with tarfile.open(Path(__file__).parents[1] / "versions" / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.setenv("WENJU_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WENJU_EMBEDDING__PROVIDER", "none")
    place = Layout(tmp_path / "data")
    code = wenju.main(["search", "share of mills"])
    said = capsys.readouterr()
    assert (code == 0 and "78%" in said.out) or (code == 4 and "Run `wenju" in said.err)
    catalogue = Catalogue(place.catalogue)
    assert sorted(document.file_name for document in catalogue.documents().values()) == ["mills.md", "磨坊.md"]
    catalogue.close()
    assert wenju.main(["upgrade"]) == 0
    capsys.readouterr()
    for question, figure in (("share of mills", "78%"), ("水力磨坊的比例", "百分之七十八")):
        assert wenju.main(["search", question]) == 0
        assert figure in capsys.readouterr().out
    result = verify(place)
    assert (result.faults, result.documents) == ([], 2)


def test_older_schema_opens_for_a_reader(settings: Settings) -> None:
    age(layout(settings).catalogue, 0)
    catalogue = Catalogue(layout(settings).catalogue)
    assert catalogue.pending() == {}
    assert catalogue.feedback() == []
    catalogue.close()


def test_newer_schema_is_refused(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(layout(settings).catalogue) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (str(SCHEMA_VERSION + 1),))
        connection.execute("DROP TABLE pending")
    for create in (False, True):
        with pytest.raises(KnowledgeBaseError, match=f"schema {SCHEMA_VERSION + 1}.*reads up to {SCHEMA_VERSION}"):
            Catalogue(layout(settings).catalogue, create=create)
    with sqlite3.connect(layout(settings).catalogue) as connection:
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'pending'").fetchall(), "a newer file is not touched"
    assert wenju.main(["upgrade"]) == 4
    assert "Use the version" in capsys.readouterr().err


def test_newer_format_of_the_index_is_refused(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    path = next(layout(settings).generations.rglob("kb.json"))
    record = json.loads(path.read_text("utf-8"))
    del record["sha256"]
    record["identity"]["format"] = 99
    path.write_text(json.dumps(record), "utf-8")
    assert wenju.main(["search", "share"]) == 4
    assert "format 99" in capsys.readouterr().err
    assert wenju.main(["upgrade"]) == 0
    assert wenju.main(["search", "share"]) == 0


def test_upgrade_splits_again_from_the_originals(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(tmp_path / "corpus")
    before = verify(layout(settings)).passages
    monkeypatch.setenv("WENJU_RETRIEVAL__PASSAGE_CHARS_EN", "60")
    assert wenju.main(["upgrade"]) == 0
    result = verify(layout(settings))
    assert result.faults == []
    assert result.passages > before
    assert result.documents == 2


def test_gc(settings: Settings) -> None:
    place = layout(settings)
    (place.segments / "seg-ffffffffffff").mkdir()
    put(place.segments / "seg-ffffffffffff", "x", b"x" * 100_000)
    put(place.originals, "f" * 64, b"orphan")
    put(settings.data_dir, ".CURRENT.0123abcd", b"torn")
    for name in (".backup-01234567", ".restore-89abcdef"):
        put(settings.data_dir / name, "x", b"x")
    old = time.time() - 2 * 24 * 3600
    os.utime(settings.data_dir / ".backup-01234567", (old, old))
    removed, size = collect(place)
    assert set(removed) >= {"seg-ffffffffffff", "f" * 64, ".CURRENT.0123abcd", ".backup-01234567"}
    assert ".restore-89abcdef" not in removed, "another process may still be at it"
    assert size >= 100_000
    assert verify(place).faults == []
    assert collect(place)[0] == []


@pytest.mark.parametrize("argv", [["gc"], ["backup", "kb.tar"], ["verify"], ["upgrade"]], ids=lambda argv: argv[0])
def test_without_a_knowledge_base_nothing_is_left_behind(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WENJU_DATA_DIR", str(tmp_path / "data"))
    assert wenju.main(argv) == 4
    assert "there is no knowledge base" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_results_go_to_standard_output(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert wenju.main(["verify"]) == 0
    said = capsys.readouterr()
    assert ("2 documents" in said.out, said.err) == (True, "")
    assert wenju.main(["gc"]) == 0
    said = capsys.readouterr()
    assert ("removed" in said.out, said.err) == (True, "")


def test_vectors_of_an_earlier_reading_are_not_counted(tmp_path: Path) -> None:
    put(tmp_path / "corpus", "one.md", f"# One\n\n{PROSE}\n")
    put(tmp_path / "corpus", "two.md", f"# Two\n\nAnother. {PROSE}\n")
    settings = Settings(data_dir=tmp_path / "data", embedding=EmbeddingSettings(provider="embedded"))
    ingest_paths(settings, [tmp_path / "corpus"])
    ingest_paths(settings, [tmp_path / "corpus" / "one.md"], force=True)
    result = verify(layout(settings))
    assert result.faults == []
    assert result.vectors == result.passages > 0


# ---- the page of promises ------------------------------------------------------------------------------------------------------------


def test_every_test_that_the_promises_name_is_there(repository: Path) -> None:
    page = (repository / "docs" / "promises.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert len(named) > 50
    for file, test in named:
        text = (repository / file).read_text("utf-8")
        assert not test or f"def {test}(" in text, f"{file}::{test}"
    for row in [*(f"R{number}" for number in range(1, 21)), *(f"S{number}" for number in range(1, 19))]:
        assert f"\n| {row} | " in page, row
