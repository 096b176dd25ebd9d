"""What holds for the checkout as a whole: what is declared is there, what is locked is public, what is tracked is fit to publish."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = ("ingest", "service", "eval")
PUBLIC_HOSTS = {"pypi.org", "files.pythonhosted.org"}
PIP_LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-ocr.lock")
LARGEST_BYTES = 3_000_000
# In pieces, so that this file does not hold what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w.)/-])/(?:" + "|".join(("work", "root", "tmp/" + "wj")) + r")/")


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return normalised(found[0])


def locked(file: str) -> dict[str, set[str]]:
    """Return the versions of each distribution in a lock of pip's."""
    out: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", (ROOT / file).read_text("utf-8"), re.MULTILINE):
        out.setdefault(normalised(name), set()).add(version)
    return out


def uv_locked() -> dict[str, set[str]]:
    out: dict[str, set[str]] = {}
    for package in tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]:
        out.setdefault(normalised(package["name"]), set()).add(package["version"])
    return out


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode("utf-8")
    return [path for path in (ROOT / name for name in listing.split("\0") if name) if path.is_file()]


RUNTIME = sorted({name_of(item) for item in PROJECT["project"]["dependencies"]})
OPTIONAL = {name_of(item) for items in PROJECT["project"]["optional-dependencies"].values() for item in items}
TOOLS = {name_of(item) for item in PROJECT["dependency-groups"]["dev"]}


def test_the_installed_version_is_the_declared_one() -> None:
    assert metadata.version("wenju") == PROJECT["project"]["version"]


def test_the_command_prints_the_declared_version() -> None:
    done = subprocess.run([sys.executable, "wenju.py", "--version"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["wenju", PROJECT["project"]["version"]]


@pytest.mark.parametrize("package", [*PACKAGES, "wenju"])
def test_our_packages_are_the_ones_of_this_checkout(package: str) -> None:
    origin = importlib.import_module(package).__file__
    assert origin is not None
    assert Path(origin).resolve().is_relative_to(ROOT)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_brings_a_package_of_our_name(package: str) -> None:
    # An editable install is known by a path file, so that our own name may be missing here; a stranger's never is.
    assert set(metadata.packages_distributions().get(package, [])) <= {"wenju"}


@pytest.mark.parametrize("name", RUNTIME)
def test_each_declared_dependency_can_be_imported(name: str) -> None:
    modules = [module for module, owners in metadata.packages_distributions().items() if name in map(normalised, owners)]
    public = [module for module in modules if module.isidentifier() and not module.startswith("_")]
    assert public, f"{name} brings no module"
    for module in public:
        importlib.import_module(module)


def third_party_imports() -> dict[str, Path]:
    """Return the top-level modules that our code imports and neither we nor Python own, each with one file that does so."""
    out: dict[str, Path] = {}
    for path in [ROOT / "wenju.py", *(path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            out |= {name.partition(".")[0]: path for name in names}
    return {name: path for name, path in out.items() if name not in {*sys.stdlib_module_names, *PACKAGES, "wenju"}}


def test_every_import_is_declared() -> None:
    owners = metadata.packages_distributions()
    declared = {*RUNTIME, *OPTIONAL}
    strangers = {
        module: str(path.relative_to(ROOT))
        for module, path in third_party_imports().items()
        # What is not installed here (an extra's module) has the name of its distribution.
        if not declared & set(map(normalised, owners.get(module, [module])))
    }
    assert strangers == {}


def test_the_order_of_the_packages_is_kept() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", ["uv.lock", *PIP_LOCKS])
def test_a_lock_names_public_addresses_only(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    assert {urlsplit(url).hostname for url in re.findall(r"[a-z+]+://[^\s\"']+", text)} <= PUBLIC_HOSTS
    assert not re.search(r"file:|localhost|127\.0\.0\.1|--(?:extra-)?index-url|--find-links", text)


@pytest.mark.parametrize("file", ["uv.lock", *PIP_LOCKS])
def test_a_lock_holds_no_torch(file: str) -> None:
    names = uv_locked() if file == "uv.lock" else locked(file)
    assert names
    assert not {name for name in names if name in {"torch", "transformers", "sentence-transformers"} or name.startswith("nvidia-")}


def test_the_locks_hold_what_is_declared() -> None:
    assert set(RUNTIME) <= set(locked("requirements.lock"))
    assert {*RUNTIME, *TOOLS} <= set(locked("requirements-dev.lock"))
    assert {*RUNTIME, "rapidocr", "onnxruntime"} <= set(locked("requirements-ocr.lock"))
    assert {*RUNTIME, *OPTIONAL, *TOOLS} <= set(uv_locked())
    assert uv_locked()["wenju"] == {PROJECT["project"]["version"]}


def test_the_locks_agree() -> None:
    all_of_them, shipped, developed = uv_locked(), locked("requirements.lock"), locked("requirements-dev.lock")
    assert {name: versions for name, versions in developed.items() if not versions <= all_of_them[name]} == {}
    assert {name: versions for name, versions in shipped.items() if versions != developed[name]} == {}


@pytest.mark.parametrize("file", PIP_LOCKS)
def test_every_locked_release_has_hashes(file: str) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / file).read_text("utf-8").strip())
    assert [entry.partition(" ")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_readme_is_there_and_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) < 700


def test_readme_names_only_targets_that_the_makefile_has() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))
    assert {"setup", "demo", "test", "serve", "check"} <= targets
    assert named <= targets


def test_ci_can_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_no_tracked_file_is_large() -> None:
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked()}
    assert {name: size for name, size in sizes.items() if size > LARGEST_BYTES} == {}


def test_no_tracked_text_names_a_path_of_the_machine_it_was_written_on() -> None:
    named = []
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        named += [f"{path.relative_to(ROOT)}: {line.strip()[:120]}" for line in text.splitlines() if MACHINE_PATH.search(line)]
    assert named == []
