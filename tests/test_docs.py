"""The documents and deployment files say what the code does."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest
import yaml

from eval.cases import parse_case
from ingest.kb import settings as settings_module
from ingest.kb.settings import Settings, describe_settings

ROOT = Path(__file__).resolve().parent.parent
_SKIPPED = {"data", "data-demo", "build", "dist", "shared", "node_modules"}
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^[ ]*```.*?^[ ]*```", re.MULTILINE | re.DOTALL)


def markdown_files() -> list[Path]:
    """Return our Markdown files, without those of environments, data folders and other checkouts."""
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    return sorted(path for path in found if not any(part in _SKIPPED or part.startswith(".") for part in path.parts[:-1]))


def documents() -> list[Path]:
    """Return the documents for people: everything but the corpus."""
    return [path for path in markdown_files() if path.parts[0] != "corpus"]


def slugs(path: Path) -> set[str]:
    """Return the anchors that a forge makes of a page's headings."""
    text = _FENCE.sub("", path.read_text("utf-8"))
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def settings_table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("settings_table", ROOT / "scripts" / "settings_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_settings_page_is_current() -> None:
    module = settings_table()
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert module.with_tables(page) == page, "run python scripts/settings_table.py"


def test_settings_tables_do_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = settings_table()
    before = module.settings_tables()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wenju.toml").write_text('[llm]\nmodel = "some-model"\n', "utf-8")
    monkeypatch.setenv("WENJU_LLM__API_KEY", "sk-0123456789")
    monkeypatch.setenv("WENJU_SERVICE__PORT", "9")
    assert module.settings_tables() == before


def test_every_setting_has_a_meaning() -> None:
    rows = [line for line in settings_table().settings_tables().split("\n") if line.startswith("| `")]
    assert len(rows) == len(describe_settings(Settings.model_construct()))
    assert [row for row in rows if row.endswith("|  |")] == []


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) < 700


@pytest.mark.parametrize("path", markdown_files(), ids=str)
def test_relative_links_lead_somewhere(path: Path) -> None:
    broken = []
    for target in _LINK.findall(_FENCE.sub("", (ROOT / path).read_text("utf-8"))):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (ROOT / path).parent / unquote(name) if name else ROOT / path
        if not file.exists() or (anchor and file.suffix == ".md" and unquote(anchor) not in slugs(file)):
            broken.append(target)
    assert broken == []


def variables() -> set[str]:
    known = {row["variable"] for row in describe_settings(Settings.model_construct())}
    return known | {name.rpartition("__")[0] for name in known} | set(settings_module._OTHER_VARIABLES)


@pytest.mark.parametrize("path", [*documents(), Path("Dockerfile"), Path("compose.yaml"), Path("deploy/wenju.service")], ids=str)
def test_variables_named_are_settings(path: Path) -> None:
    named = set(re.findall(r"\bWENJU_[A-Z0-9_]*[A-Z0-9]\b", (ROOT / path).read_text("utf-8")))
    assert named - variables() == set()


def eval_examples() -> Iterator[object]:
    for path in (ROOT / "README.md", ROOT / "docs" / "evals.md"):
        for line in path.read_text("utf-8").split("\n"):
            if line.strip().startswith('{"id"'):
                yield pytest.param(line.strip(), id=f"{path.name}-{json.loads(line)['id']}")


@pytest.mark.parametrize("line", list(eval_examples()))
def test_eval_examples_are_valid(line: str) -> None:
    parse_case(json.loads(line), "example")


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.split("\n") if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def test_image_runs_as_nobody_and_says_whether_it_lives() -> None:
    steps = instructions()
    last_stage = steps[max(place for place, (name, _) in enumerate(steps) if name == "FROM") :]
    users = [value for name, value in last_stage if name == "USER"]
    assert users
    assert users[-1].split(":")[0] not in ("0", "root")
    assert any(name == "HEALTHCHECK" and "/healthz" in value for name, value in last_stage)


def test_image_copies_what_exists_and_what_the_context_holds() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").split("\n")
    assert "*" in ignore
    for name, value in instructions():
        if name != "COPY" or value.startswith("--from"):
            continue
        for source in value.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignore, source


def test_compose_file_is_closed_by_default() -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["wenju"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["environment"]["WENJU_API_KEYS"].startswith("${WENJU_API_KEYS:?")


def test_unit_is_hardened() -> None:
    unit = (ROOT / "deploy" / "wenju.service").read_text("utf-8")
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "CapabilityBoundingSet=", "User=wenju"):
        assert f"\n{line}\n" in unit
