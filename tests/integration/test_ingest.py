"""Ingest: what a run adds, leaves, supersedes and removes, and that a run that is killed leaves what was published before."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import makers
import pytest

from ingest.build import BuildSummary, Progress, ingest_paths, publish_catalogue, remove_documents
from ingest.kb.errors import LockedError, NoSpaceError, NotFoundError, SourceError
from ingest.kb.generation import Layout, current_generation, writer_lock
from ingest.kb.knowledge import KnowledgeBase
from ingest.kb.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
A = "# Use of models\n\nThe share of firms that use models rose to 78% in 2025.\n"
B = "# 模型的使用\n\n採用人工智慧的企業在二〇二五年達到百分之七十八。\n"
C = "# Cost of models\n\nThe price of a million tokens fell by half.\n"
BAD = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _one_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the reading process from run to run: starting it takes longer than these files."""
    monkeypatch.setattr("ingest.build.close_workers", lambda: None)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a knowledge base of its own and no dense leg."""
    return settings_for(tmp_path / "data")


def settings_for(data_dir: Path) -> Settings:
    """Return settings for a data directory, without a dense leg."""
    return Settings(data_dir=data_dir, embedding={"provider": "none"}, read={"ocr": "off"})


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder with two digests."""
    makers.put(tmp_path, "reports/a.md", A)
    makers.put(tmp_path, "reports/b.md", B)
    return tmp_path / "reports"


def outcomes(summary: BuildSummary) -> dict[str, str]:
    """Return what became of each file, by name."""
    return {Path(result.path).name: result.outcome for result in summary.files}


def live(settings: Settings) -> dict[str, str]:
    """Return what the live generation holds: the text of each document by file name, as a reader gets it, checked.

    No two of its documents may have one name.
    """
    kb = KnowledgeBase(settings)
    try:
        snapshot = kb.snapshot()
        if snapshot is None:
            return {}
        generation = current_generation(kb.layout)
        assert generation is not None
        assert set(generation.documents) == set(snapshot.documents)
        assert snapshot.passages == sum(1 for _ in kb.catalogue.passages_of(list(snapshot.documents)))
        names = [document.file_name for document in snapshot.documents.values()]
        assert len(set(names)) == len(names)
        return {document.file_name: kb.catalogue.page(name, 1).text for name, document in snapshot.documents.items()}
    finally:
        kb.close()


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# ---- what is given ---------------------------------------------------------------------------------------------------------------------


def test_a_missing_path(settings: Settings, reports: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file or folder .*nowhere") as caught:
        ingest_paths(settings, [reports, reports / "nowhere"])
    assert caught.value.exit_code == 2
    assert not settings.data_dir.exists()


def test_an_empty_folder(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    makers.put(tmp_path, "empty/.hidden.md", A)
    makers.put(tmp_path, "empty/picture.png", BAD)
    with pytest.raises(SourceError, match="nothing to read"):
        ingest_paths(settings, [tmp_path / "empty"])
    assert not settings.data_dir.exists()


def test_folders_are_walked_and_ignore_files_heeded(settings: Settings, reports: Path) -> None:
    for name in ("deep/er/c.md", "drafts/d.md", "deep/old-1.md", ".git/e.md", "notes.py"):
        makers.put(reports, name, f"# {name}\n\nText of {name}.\n")
    makers.put(reports, ".wenjuignore", "# what is not ready\ndrafts/\nold-*.md\n")
    (reports / "link.md").symlink_to(reports / "a.md")
    assert outcomes(ingest_paths(settings, [reports])) == {"a.md": "added", "b.md": "added", "c.md": "added"}


def test_a_file_named_twice_is_read_once(settings: Settings, reports: Path) -> None:
    summary = ingest_paths(settings, [reports / "a.md", reports, reports / "a.md"])
    assert outcomes(summary) == {"a.md": "added", "b.md": "added"}
    assert len(summary.files) == 2


def test_two_files_of_the_same_bytes_are_one_document(settings: Settings, reports: Path) -> None:
    makers.put(reports, "copy-of-a.md", A)
    summary = ingest_paths(settings, [reports])
    assert summary.exit_code == 0
    assert summary.documents == 2
    (reports / "a.md").unlink()
    summary = ingest_paths(settings, [reports])
    assert outcomes(summary)["a.md"] == "removed"
    assert summary.documents == 2
    assert len(live(settings)) == 2


# ---- run after run ---------------------------------------------------------------------------------------------------------------------


def test_what_was_read_again_counts_once(settings: Settings, reports: Path) -> None:
    first = ingest_paths(settings, [reports])
    (reports / "a.md").write_text("# Use of models\n\nThe share rose to 91% in 2027.\n", "utf-8")
    again = ingest_paths(settings, [reports])
    assert outcomes(again)["a.md"] == "updated"
    assert (first.passages, again.passages) == (2, 2)


def test_a_first_run_publishes_what_it_read(settings: Settings, reports: Path) -> None:
    steps: list[Progress] = []
    summary = ingest_paths(settings, [reports], report=steps.append)
    assert outcomes(summary) == {"a.md": "added", "b.md": "added"}
    assert (summary.exit_code, summary.documents, summary.passages, summary.generation) == (0, 2, 2, "gen-000001")
    assert live(settings)["a.md"] == "Use of models\nThe share of firms that use models rose to 78% in 2025."
    assert [step.stage for step in steps if step.done == step.total] == ["reading", "indexing", "publishing"]
    assert {path.read_bytes() for path in (settings.data_dir / "originals").iterdir()} == {A.encode(), B.encode()}


def test_a_second_run_reads_and_embeds_nothing(settings: Settings, reports: Path) -> None:
    first = ingest_paths(settings, [reports])
    before = tree(settings.data_dir)
    second = ingest_paths(settings, [reports])
    assert outcomes(second) == {"a.md": "unchanged", "b.md": "unchanged"}
    assert (second.embedded, second.generation, second.documents, second.passages) == (0, first.generation, 2, 2)
    after = tree(settings.data_dir)
    assert {name for name in after if not name.startswith("catalogue")} == {name for name in before if not name.startswith("catalogue")}
    assert all(after[name] == before[name] for name in after if not name.startswith("catalogue"))


def test_touched_and_moved_files_are_unchanged(settings: Settings, reports: Path) -> None:
    ingest_paths(settings, [reports])
    os.utime(reports / "a.md", (1, 1))
    (reports / "b.md").rename(reports / "moved.md")
    summary = ingest_paths(settings, [reports])
    assert outcomes(summary) == {"a.md": "unchanged", "moved.md": "unchanged", "b.md": "removed"}
    assert summary.documents == 2
    assert len(live(settings)) == 2


def test_force_reads_again_and_gives_the_same(settings: Settings, reports: Path) -> None:
    ingest_paths(settings, [reports])
    before = live(settings)
    kb = KnowledgeBase(settings)
    ids = {p.id for p, _ in kb.catalogue.passages_of(list(kb.catalogue.documents()))}
    kb.close()
    summary = ingest_paths(settings, [reports], force=True)
    assert set(outcomes(summary).values()) == {"updated"}
    assert live(settings) == before
    kb = KnowledgeBase(settings)
    assert {p.id for p, _ in kb.catalogue.passages_of(list(kb.catalogue.documents()))} == ids
    kb.close()


def test_a_changed_file_supersedes(settings: Settings, reports: Path) -> None:
    ingest_paths(settings, [reports])
    makers.put(reports, "a.md", C)
    summary = ingest_paths(settings, [reports])
    assert outcomes(summary) == {"a.md": "updated", "b.md": "unchanged"}
    assert summary.documents == 2
    assert live(settings)["a.md"].startswith("Cost of models")
    assert {path.read_bytes() for path in (settings.data_dir / "originals").iterdir()} == {B.encode(), C.encode()}


def test_a_file_that_turns_bad_keeps_its_last_good_reading(settings: Settings, reports: Path) -> None:
    ingest_paths(settings, [reports])
    makers.put(reports, "a.md", BAD)
    summary = ingest_paths(settings, [reports])
    assert outcomes(summary) == {"a.md": "failed", "b.md": "unchanged"}
    assert summary.exit_code == 3
    assert live(settings)["a.md"].startswith("Use of models")


def test_a_removed_file_is_removed(settings: Settings, reports: Path) -> None:
    ingest_paths(settings, [reports])
    (reports / "a.md").unlink()
    summary = ingest_paths(settings, [reports])
    assert outcomes(summary) == {"b.md": "unchanged", "a.md": "removed"}
    assert list(live(settings)) == ["b.md"]
    assert {path.read_bytes() for path in (settings.data_dir / "originals").iterdir()} == {B.encode()}
    assert A.encode()[20:60] not in b"".join(tree(settings.data_dir / "segments").values())


def test_other_folders_and_single_files_are_left_alone(settings: Settings, reports: Path, tmp_path: Path) -> None:
    makers.put(tmp_path, "others/c.md", C)
    ingest_paths(settings, [reports])
    assert ingest_paths(settings, [tmp_path / "others"]).documents == 3
    (reports / "a.md").unlink()
    assert ingest_paths(settings, [tmp_path / "others"]).documents == 3
    assert ingest_paths(settings, [reports / "b.md"]).documents == 3
    assert ingest_paths(settings, [reports], remove_missing=False).documents == 3
    assert ingest_paths(settings, [reports]).documents == 2


def test_removing_by_id(settings: Settings, reports: Path) -> None:
    first = ingest_paths(settings, [reports])
    with pytest.raises(NotFoundError):
        remove_documents(settings, ["doc_0000000000000000"])
    assert len(live(settings)) == 2
    summary = remove_documents(settings, [first.files[0].document_id])
    assert summary.documents == 1
    assert list(live(settings)) == ["b.md"]
    # The file is still in the folder: the next run reads it again.
    assert outcomes(ingest_paths(settings, [reports])) == {"a.md": "added", "b.md": "unchanged"}


def test_many_runs_keep_segments_and_generations_few(settings: Settings, reports: Path) -> None:
    for number in range(11):
        makers.put(reports, f"n{number}.md", f"# Number {number}\n\nText of number {number}.\n")
        ingest_paths(settings, [reports])
    assert len(live(settings)) == 13
    generation = current_generation(Layout(settings.data_dir))
    assert generation is not None
    assert len(generation.segments) <= 8
    assert len(list((settings.data_dir / "generations").iterdir())) == 2


def test_rebuilding_gives_the_same_documents(settings: Settings, reports: Path) -> None:
    ingest_paths(settings, [reports])
    before = live(settings)
    assert publish_catalogue(settings, rebuild=True).generation == "gen-000002"
    assert live(settings) == before


def test_other_passage_sizes_split_again(settings: Settings, reports: Path) -> None:
    makers.put(reports, "a.md", "# A\n\n" + "The share rose. " * 100)
    small = Settings(data_dir=settings.data_dir, embedding={"provider": "none"}, retrieval={"passage_chars_en": 200})
    many = ingest_paths(settings, [reports]).passages
    summary = ingest_paths(small, [reports])
    assert set(outcomes(summary).values()) == {"updated"}
    assert summary.passages > many


# ---- dry run, exit codes, locks --------------------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing(settings: Settings, reports: Path) -> None:
    summary = ingest_paths(settings, [reports], dry_run=True)
    assert outcomes(summary) == {"a.md": "added", "b.md": "added"}
    assert summary.dry_run
    assert not settings.data_dir.exists()
    ingest_paths(settings, [reports])
    makers.put(reports, "a.md", C)
    before = tree(settings.data_dir)
    assert outcomes(ingest_paths(settings, [reports], dry_run=True)) == {"a.md": "updated", "b.md": "unchanged"}
    after = tree(settings.data_dir)
    # SQLite's own index of its log is rewritten by readers too.
    assert {name: data for name, data in after.items() if "-shm" not in name} == {
        name: data for name, data in before.items() if "-shm" not in name
    }


def environment_for(data_dir: Path) -> dict[str, str]:
    """Return an environment for a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WENJU_")}
    return kept | {"WENJU_DATA_DIR": str(data_dir), "WENJU_EMBEDDING__PROVIDER": "none", "WENJU_READ__OCR": "off"}


def wenju(data_dir: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-c", "import sys, wenju; sys.exit(wenju.main())", *map(str, arguments)]
    return subprocess.run(command, env=environment_for(data_dir), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_ends_with_3_if_a_file_failed(settings: Settings, reports: Path) -> None:
    makers.put(reports, "bad.md", BAD)
    done = wenju(settings.data_dir, "ingest", reports, "--json")
    assert done.returncode == 3
    record = json.loads(done.stdout)
    assert (record["failed"], record["exit_code"], record["documents"]) == (1, 3, 2)
    (fault,) = (entry for entry in record["files"] if entry["outcome"] == "failed")
    assert fault["code"] == "unsupported"
    assert "bad.md" in fault["reason"]


def test_the_command_ends_with_2_if_there_is_nothing(settings: Settings, tmp_path: Path) -> None:
    done = wenju(settings.data_dir, "ingest", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_writer_is_refused(settings: Settings, reports: Path) -> None:
    ingest_paths(settings, [reports])
    with writer_lock(Layout(settings.data_dir)):
        with pytest.raises(LockedError, match=f"written by pid {os.getpid()}") as caught:
            ingest_paths(settings, [reports])
        assert caught.value.exit_code == 5
        with pytest.raises(LockedError):
            remove_documents(settings, ["doc_0000000000000000"], wait_s=0.2)
        # Reading and planning need no lock.
        assert len(live(settings)) == 2
        assert ingest_paths(settings, [reports], dry_run=True).dry_run
    assert ingest_paths(settings, [reports]).exit_code == 0


def test_a_second_process_is_refused(settings: Settings, reports: Path) -> None:
    with writer_lock(Layout(settings.data_dir)):
        done = wenju(settings.data_dir, "ingest", reports)
    assert done.returncode == 5
    assert f"pid {os.getpid()}" in done.stderr


def test_a_full_disk_is_said_and_changes_nothing(settings: Settings, reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest_paths(settings, [reports])
    before = live(settings)
    makers.put(reports, "c.md", C)
    monkeypatch.setattr("ingest.build._FREE_BYTES", 10**18)
    with pytest.raises(NoSpaceError, match="MB free") as caught:
        ingest_paths(settings, [reports])
    assert caught.value.exit_code == 7
    assert live(settings) == before


def test_a_disk_that_fills_up_is_said_and_changes_nothing(settings: Settings, reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest_paths(settings, [reports])
    before = live(settings)
    makers.put(reports, "c.md", C)

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ingest.kb.generation.np.save", full)
        with pytest.raises(NoSpaceError, match="filled up"):
            ingest_paths(settings, [reports])
    assert live(settings) == before
    assert ingest_paths(settings, [reports]).documents == 3


# ---- killed in the middle ----------------------------------------------------------------------------------------------------------------

# The files are read in the process that is killed: a reading process of its own takes longer to start than all the rest.
KILLED = """
import sys
from pathlib import Path
import ingest.build
from ingest.kb.settings import load_settings
from ingest.readers import read_file

ingest.build.read_in_child = lambda path, *, settings, **options: read_file(path, settings, **options)
if sys.argv[1] == "remove":
    ingest.build.remove_documents(load_settings(), [sys.argv[3]])
else:
    ingest.build.ingest_paths(load_settings(), [Path(sys.argv[2])])
"""
# Where a run can be killed, what it was doing, and whether the new generation is the live one by then.
POINTS = {
    "before_catalogue": ("replace", False),
    "after_catalogue": ("replace", False),
    "after_lexical": ("replace", False),
    "before_segment_rename": ("replace", False),
    "after_segment_rename": ("replace", False),
    "before_swap": ("replace", False),
    "after_swap": ("replace", True),
    "after_removal": ("replace", True),
    "after_forget": ("delete", False),
    "after_mark_removed": ("remove", False),
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two digests in ``reports`` and the knowledge base made of them in ``data``."""
    folder = tmp_path_factory.mktemp("published")
    makers.put(folder, "reports/a.md", A)
    makers.put(folder, "reports/b.md", B)
    ingest_paths(settings_for(folder / "data"), [folder / "reports"])
    return folder


@pytest.mark.crash
@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_leaves_a_whole_generation_and_the_next_run_finishes(settings: Settings, published: Path, point: str) -> None:
    action, swapped = POINTS[point]
    shutil.copytree(published / "data", settings.data_dir)
    reports = published / "reports"
    makers.put(reports, "a.md", A)
    before = live(settings)
    new = {"b.md": before["b.md"]}
    if action == "replace":
        makers.put(reports, "a.md", C)
        new["a.md"] = "Cost of models\nThe price of a million tokens fell by half."
    elif action == "delete":
        (reports / "a.md").unlink()
    document_id = f"doc_{hashlib.sha256(A.encode()).hexdigest()[:16]}"

    environment = environment_for(settings.data_dir) | {"WENJU_CRASH_AT": point}
    command = [sys.executable, "-c", KILLED, action, str(reports), document_id]
    done = subprocess.run(command, env=environment, cwd=ROOT, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    assert live(settings) == (new if swapped else before)

    # The next run finishes the work; nothing that was begun is left lying about.
    if action == "remove":
        (reports / "a.md").unlink()
    assert ingest_paths(settings, [reports]).exit_code == 0
    assert live(settings) == new
    assert not [path.name for path in (settings.data_dir / "segments").iterdir() if path.name.startswith(".")]
    originals = {B.encode(), C.encode()} if action == "replace" else {B.encode()}
    assert {path.read_bytes() for path in (settings.data_dir / "originals").iterdir()} == originals


def test_the_points_are_all_there_are() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "ingest").rglob("*.py")]
    found = {name for text in texts for name in re.findall(r'crash_point\("(\w+)"\)', text)}
    # These two are passed with a dense leg only.
    assert found == {*POINTS, "after_vectors", "during_embedding"}
