"""Is the live index damaged? What says so can be built again from the catalogue, without a person."""

from __future__ import annotations

from ingest.kb.catalogue import Catalogue
from ingest.kb.errors import KnowledgeBaseError
from ingest.kb.generation import Layout, current_generation, is_live, segment_faults

__all__ = ["damage_of"]


def damage_of(layout: Layout, catalogue: Catalogue) -> str:
    """Return what is damaged of the live index, empty if nothing is; what was merely built by another version is whole.

    Args:
        layout: The data directory.
        catalogue: Its catalogue, which says what must be there.
    """
    try:
        generation = current_generation(layout)
    except KnowledgeBaseError as error:
        return error.message
    if generation is None:
        published = set(catalogue.documents()) - set(catalogue.pending())
        return f"{len(published)} documents were published, and the pointer {layout.current} is gone" if published else ""
    for entry in generation.segments:
        faults = segment_faults(layout.segments / entry.name, deep=True)
        if faults and _counts(layout, entry.name):
            return f"{entry.name}: {'; '.join(faults[:3])}"
    return ""


def _counts(layout: Layout, segment: str) -> bool:
    """Return whether a fault of a segment is damage: one that a writer merged away meanwhile may be half collected."""
    try:
        return is_live(layout, segment)
    except KnowledgeBaseError:
        # Damaged it is, whatever else is.
        return True
