"""The knowledge base as it lies on disk: the one door out of ingest for those who read."""

from __future__ import annotations

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
from ingest.kb.fold import fold
from ingest.kb.knowledge import KnowledgeBase, PassageRef, Snapshot
from ingest.kb.lexical import WeightedTerm
from ingest.kb.model import Block, Document, Language, Page, Passage, Rect
from ingest.kb.numbers import Quantity, find_quantities
from ingest.kb.script import convert_prose, detect_language, detect_script, to_script
from ingest.kb.sentences import sentence_spans
from ingest.kb.settings import Settings, load_settings

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
    "to_script",
]
