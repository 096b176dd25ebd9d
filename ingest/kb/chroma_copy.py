"""A segment's Chroma directory is written once and never opened where it lies: each process opens a copy of its own.

Chroma rewrites its files when it opens them, so bytes that were opened can no longer be compared with what was written; and two processes
that open one directory do not see each other's changes. The written files stay as they are, with their digests in ``segment.json``, and
every damage is noticed before an engine touches it.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path

from ingest.kb.generation import Layout, store_faults
from ingest.kb.vectors import probe_store

__all__ = ["StoreCopies", "abandoned_copies", "examine_store"]

_PREFIX = "process-"
_HELD = "held"


def examine_store(segment: Path, expected: int, copy: Path) -> str:
    """Compare a segment's Chroma files with what was written, copy them, and probe the copy in a child process.

    Args:
        segment: The segment's folder.
        expected: Vectors that must be there.
        copy: Where the copy goes; afterwards it is there only if nothing is wrong.

    Returns:
        What is wrong, empty if nothing is.
    """
    faults = store_faults(segment)
    if faults:
        return "; ".join(faults[:3])
    source = segment / "chroma"
    shutil.rmtree(copy, ignore_errors=True)
    try:
        torn = [path.name for path in source.rglob("*") if path.stat().st_size > 64 * max(path.stat().st_blocks * 512, 1 << 20)]
        if torn:
            return f"{torn[0]} is torn"
        if source.is_dir():
            shutil.copytree(source, copy)
        fault = probe_store(copy, expected, vectors=segment / "vectors.npy")
    except OSError as error:
        fault = f"Chroma's files cannot be copied to {copy.parent}: {error}"
    if fault:
        shutil.rmtree(copy, ignore_errors=True)
    return fault


class StoreCopies:
    """The copies of one process, in a folder that it holds until it ends, however it ends.

    Args:
        layout: The data directory.
    """

    def __init__(self, layout: Layout) -> None:
        layout.stores.mkdir(parents=True, exist_ok=True)
        for path in abandoned_copies(layout):
            shutil.rmtree(path, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=".new-", dir=layout.stores))
        self._held = (made / _HELD).open("wb")
        fcntl.flock(self._held, fcntl.LOCK_EX)
        # Under its own name only once it is held: what nobody holds is removed by whoever comes next.
        self.folder = made.rename(made.with_name(_PREFIX + made.name.removeprefix(".new-")))

    def close(self) -> None:
        """Remove the copies; what still has them open keeps its files until it closes them."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._held.close()


def abandoned_copies(layout: Layout) -> list[Path]:
    """Return the folders of processes that are gone."""
    return [path for path in sorted(layout.stores.glob(f"{_PREFIX}*")) if not _is_held(path)]


def _is_held(folder: Path) -> bool:
    try:
        with (folder / _HELD).open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
