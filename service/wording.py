"""How an answer says the sentences of its sources."""

from __future__ import annotations

import re

from ingest.kb import Language, to_script
from service.candidates import Candidate
from service.messages import say

__all__ = ["prose"]


def prose(candidate: Candidate, language: Language, *, before: Candidate | None) -> str:
    """Return a sentence as the answer says it: Chinese in the asker's script, another language quoted with a lead-in.

    Args:
        candidate: The sentence.
        language: Of the answer.
        before: The sentence that it follows; after one in the same language the lead-in is not said again.
    """
    source = candidate.hit.passage
    again = before is not None and (before.hit.passage.language == "en") == (source.language == "en")
    text = " ".join(candidate.text.split()) if source.language == "en" else candidate.text.replace("\n", "")
    text = re.sub(r"^[•●▪■◦‣∙·*-]\s+", "", text)
    if source.kind == "table_row":
        text = _row(candidate, text)
    if language == "en":
        return text if source.language == "en" or again else f"{say('lead_zh', 'en')}{text}"
    return (text if again else f"{say('lead_en', language)}{text}") if source.language == "en" else to_script(text, language)


def _row(candidate: Candidate, text: str) -> str:
    """Return a table row with its column names, so that it reads on its own: name: value pairs."""
    cells = [cell.strip() for cell in text.split(" | ")]
    header = [cell.strip() for cell in candidate.hit.passage.header.split(" | ")]
    if len(cells) != len(header) or cells == header:
        return text
    wide = candidate.hit.passage.language != "en"
    colon, comma = ("：", "，") if wide else (": ", ", ")
    pairs = [f"{name}{colon}{value}" if name and value else value or name for name, value in zip(header[1:], cells[1:], strict=True)]
    return f"{cells[0]}{colon if len(pairs) > 1 else comma}{comma.join(pairs)}"
