"""The knowledge base as it lies on disk: the one door out of ingest for those who read.

Names are imported when they are first used: a child process that parses a file needs two of them, the command line's help none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.kb.analyse import Analyser, Analysis
    from ingest.kb.catalogue import Catalogue
    from ingest.kb.errors import (
        DependencyError,
        KnowledgeBaseError,
        LockedError,
        NotFoundError,
        SettingsError,
        WenjuError,
    )
    from ingest.kb.folding import fold
    from ingest.kb.knowledge import KnowledgeBase, PassageRef, Snapshot
    from ingest.kb.lexical import WeightedTerm
    from ingest.kb.model import Block, Document, Language, Page, Passage, Rect
    from ingest.kb.numbers import Quantity, find_quantities
    from ingest.kb.script import convert_prose, detect_language, detect_script, to_script
    from ingest.kb.sentences import sentence_spans, statement_spans
    from ingest.kb.settings import Settings, load_settings

_HOME = {
    "analyse": ("Analyser", "Analysis"),
    "catalogue": ("Catalogue",),
    "errors": ("DependencyError", "KnowledgeBaseError", "LockedError", "NotFoundError", "SettingsError", "WenjuError"),
    "folding": ("fold",),
    "knowledge": ("KnowledgeBase", "PassageRef", "Snapshot"),
    "lexical": ("WeightedTerm",),
    "model": ("Block", "Document", "Language", "Page", "Passage", "Rect"),
    "numbers": ("Quantity", "find_quantities"),
    "script": ("convert_prose", "detect_language", "detect_script", "to_script"),
    "sentences": ("sentence_spans", "statement_spans"),
    "settings": ("Settings", "load_settings"),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Analyser",
    "Analysis",
    "Block",
    "Catalogue",
    "DependencyError",
    "Document",
    "KnowledgeBase",
    "KnowledgeBaseError",
    "Language",
    "LockedError",
    "NotFoundError",
    "Page",
    "Passage",
    "PassageRef",
    "Quantity",
    "Rect",
    "Settings",
    "SettingsError",
    "Snapshot",
    "WeightedTerm",
    "WenjuError",
    "convert_prose",
    "detect_language",
    "detect_script",
    "find_quantities",
    "fold",
    "load_settings",
    "sentence_spans",
    "statement_spans",
    "to_script",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    value = getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
    globals()[name] = value
    return value
