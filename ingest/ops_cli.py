"""The command line of upkeep: ``doctor``, ``verify``, ``backup``, ``restore``, ``gc``, ``upgrade``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.ops.doctor import Check

__all__ = ["register"]

_FAILED = 4
_MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


def register(commands: Any) -> None:
    """Mount the subcommands; each sets ``run``."""
    doctor = commands.add_parser(
        "doctor", help="check the installation and the knowledge base", description="Check everything, say what to do."
    )
    doctor.add_argument("--fix", action="store_true", help="build damaged parts of the index again and remove what nothing needs")
    doctor.add_argument("--json", action="store_true", help="print the checks as JSON")
    doctor.set_defaults(run=_doctor)

    verify = commands.add_parser("verify", help="compare every passage and vector with the catalogue")
    verify.add_argument("--json", action="store_true", help="print the result as JSON")
    verify.set_defaults(run=_verify)

    backup = commands.add_parser("backup", help="write the knowledge base into one file, also while it is in use")
    backup.add_argument("file", type=Path, metavar="FILE", help="a .tar, or .tar.gz to compress; replaced in one step")
    backup.add_argument("--json", action="store_true", help="print the result as JSON")
    backup.set_defaults(run=_backup)

    restore = commands.add_parser("restore", help="put a backup in place; stop the service first")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--to", type=Path, metavar="DIR", help="the data directory to restore to (default: the one in use)")
    restore.add_argument("--force", action="store_true", help="replace what is there")
    restore.set_defaults(run=_restore)

    collect = commands.add_parser("gc", help="remove old generations and leftovers")
    collect.set_defaults(run=_collect)

    upgrade = commands.add_parser("upgrade", help="bring a knowledge base of an older version to this one")
    upgrade.set_defaults(run=_upgrade)


def _doctor(arguments: argparse.Namespace) -> int:
    from ingest.ops.doctor import diagnose

    checks = diagnose()
    fixed: list[str] = []
    if arguments.fix:
        fixed = _fix(checks)
        checks = diagnose()
    failed = any(check.state == "fail" for check in checks)
    if arguments.json:
        record = {"object": "doctor", "ok": not failed, "checks": [asdict(check) for check in checks], "fixed": fixed}
        print(json.dumps(record, ensure_ascii=False, indent=2))
        return _FAILED if failed else 0
    for line in fixed:
        print(f"fixed: {line}", file=sys.stderr)
    width = max(len(check.name) for check in checks)
    for check in checks:
        print(f"{_MARKS[check.state]} {check.state:4} {check.name:{width}}  {check.message}")
        if check.hint and check.state != "ok":
            print(f"{'':{width + 9}}→ {check.hint}")
    return _FAILED if failed else 0


def _fix(checks: list[Check]) -> list[str]:
    from ingest.build import publish_catalogue
    from ingest.kb.generation import Layout
    from ingest.kb.settings import load_settings
    from ingest.ops.doctor import needs_rebuild
    from ingest.ops.upkeep import collect

    if any(check.state == "fail" and check.name in ("settings", "data_dir", "catalogue") for check in checks):
        # The catalogue is what everything is built from: where it cannot be read, there is nothing to build with.
        return []
    settings = load_settings()
    layout = Layout(settings.data_dir)
    if not layout.catalogue.exists():
        return []
    done = []
    if needs_rebuild(checks):
        summary = publish_catalogue(settings, rebuild=True)
        done.append(f"built generation {summary.generation} again from the catalogue: {summary.documents} documents")
    removed, size = collect(layout)
    if removed:
        done.append(f"removed {len(removed)} leftovers, {size / 1e6:,.1f} MB")
    return done


def _verify(arguments: argparse.Namespace) -> int:
    from ingest.kb.generation import Layout
    from ingest.kb.settings import load_settings
    from ingest.ops.verify import verify

    result = verify(Layout(load_settings().data_dir))
    if arguments.json:
        print(json.dumps({"object": "verification", "ok": not result.faults, **asdict(result)}, ensure_ascii=False, indent=2))
        return _FAILED if result.faults else 0
    for fault in result.faults:
        print(fault)
    count = "100 or more" if len(result.faults) >= 100 else str(len(result.faults))
    what = f"{result.documents} documents, {result.passages} passages, {result.vectors} vectors"
    print(f"{what} compared in {result.generation or 'no generation'}; {count} fault(s)")
    if result.faults:
        print("  → `wenju doctor --fix` builds the index again; a damaged catalogue needs `wenju restore`")
    return _FAILED if result.faults else 0


def _backup(arguments: argparse.Namespace) -> int:
    from ingest.kb.generation import Layout
    from ingest.kb.settings import load_settings
    from ingest.ops.backup import backup

    report = backup(Layout(load_settings().data_dir), arguments.file)
    if arguments.json:
        print(json.dumps({"object": "backup", **asdict(report)}, ensure_ascii=False, indent=2))
        return 0
    print(f"{report.file}: {report.documents} documents, {report.generation or 'nothing published'}, {report.size / 1e6:,.1f} MB")
    print(f"seal {report.seal}")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    from ingest.kb.generation import Layout
    from ingest.kb.settings import load_settings
    from ingest.ops.restore import restore

    if arguments.to:
        os.environ["WENJU_DATA_DIR"] = str(arguments.to)
    settings = load_settings()
    report = restore(arguments.file, Layout(settings.data_dir), force=arguments.force)
    print(f"{settings.data_dir}: {report.documents} documents, {report.generation or 'nothing published'}, every file as it was archived")
    return 0


def _collect(_arguments: argparse.Namespace) -> int:
    from ingest.kb.generation import Layout
    from ingest.kb.settings import load_settings
    from ingest.ops.upkeep import collect

    removed, size = collect(Layout(load_settings().data_dir))
    for name in removed:
        print(name)
    print(f"{len(removed)} removed, {size / 1e6:,.1f} MB")
    return 0


def _upgrade(_arguments: argparse.Namespace) -> int:
    from ingest.kb.settings import load_settings
    from ingest.ops.upkeep import upgrade
    from ingest.report import Display

    with Display() as display:
        done = upgrade(load_settings(), report=display.step)
    for step in done.steps:
        print(step)
    return done.summary.exit_code if done.summary else 0
