"""The wheel as somebody gets it who followed the README's steps with pip, in a folder where nothing of ours lies."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from service_kit import ROOT, environment

# The wheel's packages, and the dependencies of this environment without its editable link to the checkout (-S: no .pth file is read).
_RUN = "import sys; sys.path[:0] = [sys.argv.pop(1)]; sys.path.append(sys.argv.pop(1)); import wenju; sys.exit(wenju.main(sys.argv[1:]))"
_FILES = len(list((ROOT / "corpus" / "digests").rglob("*.md"))) + len(list((ROOT / "corpus" / "reports").glob("*.pdf")))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder of a new user."""
    place = tmp_path / "somewhere"
    place.mkdir()
    return place


def _wenju(site: Path, here: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-S", "-c", _RUN, str(site), sysconfig.get_path("purelib"), *arguments]
    env = environment(here / "data")
    env.pop("PYTHONPATH", None)
    return subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_the_readme_s_steps_work_anywhere(site: Path, here: Path) -> None:
    done = _wenju(site, here, "ingest")
    assert done.returncode == 0, done.stderr
    assert "0 file(s) failed" in done.stdout
    assert f"the sample corpus, {site / 'corpus'}" in done.stderr
    listed = json.loads(_wenju(site, here, "documents", "list", "--json").stdout)
    assert len(listed) == _FILES
    asked = _wenju(site, here, "ask", "推理模型占多少 token？")
    assert asked.returncode == 0
    assert "[1] " in asked.stdout
    assert sorted(path.name for path in here.iterdir()) == ["data"], "nothing is left beside the data"


def test_a_folder_corpus_here_goes_first(site: Path, here: Path) -> None:
    (here / "corpus").mkdir()
    (here / "corpus" / "walnuts.md").write_text("# Walnuts\n\nThe walnut harvest reached 4,200 tonnes.\n", "utf-8")
    record = json.loads(_wenju(site, here, "ingest", "--dry-run", "--json").stdout)
    assert [Path(file["path"]).name for file in record["files"]] == ["walnuts.md"]


def test_an_empty_folder_corpus_here_is_not_passed_over(site: Path, here: Path) -> None:
    (here / "corpus").mkdir()
    done = _wenju(site, here, "ingest")
    assert done.returncode == 2
    assert "nothing to read in corpus" in done.stderr


def test_reports_of_ones_own_are_not_mixed_with_the_sample_corpus(site: Path, here: Path) -> None:
    reports = here / "reports"
    reports.mkdir()
    (reports / "walnuts.md").write_text("# Walnuts\n\nThe walnut harvest reached 4,200 tonnes.\n", "utf-8")
    assert _wenju(site, here, "ingest", "reports").returncode == 0
    (reports / "walnuts.md").write_text("# Walnuts\n\nThe walnut harvest reached 4,300 tonnes.\n", "utf-8")
    done = _wenju(site, here, "ingest")
    assert done.returncode == 0
    assert "again the 1 document(s)" in done.stderr
    found = json.loads(_wenju(site, here, "search", "walnut harvest", "--json").stdout)["data"]
    assert [(item["file_name"], "4,300" in item["text"]) for item in found] == [("walnuts.md", True)]


def test_what_was_uploaded_is_published_again_without_a_file(site: Path, here: Path) -> None:
    (here / "walnuts.md").write_text("# Walnuts\n\nThe walnut harvest reached 4,200 tonnes.\n", "utf-8")
    assert _wenju(site, here, "ingest", "walnuts.md").returncode == 0
    (here / "walnuts.md").unlink()
    assert _wenju(site, here, "ingest").returncode == 0
    assert [document["file_name"] for document in json.loads(_wenju(site, here, "documents", "list", "--json").stdout)] == ["walnuts.md"]


def test_the_lexicon_of_the_wheel_is_checked(site: Path, here: Path) -> None:
    lexicon = site / "corpus" / "lexicon" / "ai.tsv"
    whole = lexicon.read_text("utf-8")
    fault = f"ai.tsv:{whole.count(chr(10)) + 1}: "
    assert fault not in _wenju(site, here, "lexicon", "check").stdout
    lexicon.write_text(whole + "agent\t智能體\t\t\t\n", "utf-8")
    try:
        done = _wenju(site, here, "lexicon", "check")
    finally:
        lexicon.write_text(whole, "utf-8")
    assert (done.returncode, fault in done.stdout) == (3, True)
