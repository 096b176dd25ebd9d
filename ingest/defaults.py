"""What ``wenju ingest`` reads when no path is named."""

from __future__ import annotations

from pathlib import Path

from ingest.kb.catalogue import Catalogue
from ingest.kb.errors import SourceError
from ingest.kb.generation import Layout
from ingest.kb.settings import Settings
from ingest.sources import sample_corpus

__all__ = ["default_paths"]


def default_paths(settings: Settings) -> tuple[list[Path], str]:
    """Return what to read, and words for it.

    ``corpus/`` here, if there is one. Else the files that were ingested before: who has reports of his own and runs the command again, for
    a new embedding or lexicon, does not want the sample corpus among them. Else the sample corpus. The list is empty where all that is
    known came in by upload.

    Raises:
        SourceError: There is nothing of the kind.
    """
    local, sample = Path("corpus"), sample_corpus()
    if local.is_dir():
        return [local], "corpus/"
    count, paths = _known(settings)
    if count and not (paths and all(path.is_relative_to(sample) for path in paths)):
        return [path for path in paths if path.is_file()], f"again the {count} document(s) that are known, no new files"
    if sample.is_dir():
        return [sample], f"the sample corpus, {sample}"
    raise SourceError(
        "no file or folder is named, and there is neither a folder corpus/ here nor the sample corpus",
        hint="Name what to read: `wenju ingest my-reports/`.",
    )


def _known(settings: Settings) -> tuple[int, list[Path]]:
    """Return how many documents there are, and the files that were ingested by path."""
    path = Layout(settings.data_dir).catalogue
    if not path.exists():
        return 0, []
    catalogue = Catalogue(path)
    try:
        return len(catalogue.documents()), [Path(name) for name in sorted(catalogue.sources())]
    finally:
        catalogue.close()
