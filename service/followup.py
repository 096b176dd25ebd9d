"""Follow-up questions made to stand alone by rule: pronouns and ellipsis are filled from the last question."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.kb import Analyser, fold
from service.question import Question, read_question
from service.records import Turn

__all__ = ["standalone"]

# 那 Qwen 呢？ / and Asia? / what about in 2024?: the new part takes the place of its like in the last question.
_ELLIPSIS = re.compile(
    r"^(?:那么|那|而|至于|还有|又)?\s*(?P<zh>.{1,24}?)(?:的话)?\s*(?:呢|又如何|又怎样|怎么样|如何)\s*[?？]*$"
    r"|^(?:and|what about|how about|and what about|and how about)\s+(?P<en>.{1,60}?)\s*\?*$"
)
_PRONOUN = re.compile(
    r"(?P<zh>它们|他们|她们|这家公司|该公司|这个模型|该模型|这份报告|该报告|这个国家|该国|它|他|她|这个|那个|其)"
    r"|\b(?P<en>it|they|them|its|their|he|she|his|her|that company|this company|that model|this model|that country)\b"
)


def _last_question(history: Sequence[Turn], analyser: Analyser) -> str:
    """Return the last question of the user, itself made to stand alone."""
    asked = [turn.content for turn in history if turn.role == "user"]
    return standalone(asked[-1], [Turn("user", text) for text in asked[:-1]][-4:], analyser) if asked else ""


def standalone(text: str, history: Sequence[Turn], analyser: Analyser) -> str:
    """Return the question with what it leaves out filled from the turns before; unchanged when it stands alone.

    Args:
        text: The question as asked.
        history: Earlier turns, oldest first.
        analyser: The knowledge base's.
    """
    if not any(turn.role == "user" for turn in history):
        return text
    folded = fold(text.strip())
    ellipsis = _ELLIPSIS.match(folded)
    before = _last_question(history, analyser)
    if ellipsis:
        group = "zh" if ellipsis.group("zh") else "en"
        part = text.strip()[ellipsis.start(group) : ellipsis.end(group)]
        return _replace_like(before, part, analyser)
    pronoun = _PRONOUN.search(folded)
    if pronoun:
        name = _subject(read_question(before, analyser))
        own = read_question(text, analyser)
        if name and not any(unit.kind == "name" for unit in own.units):
            start = text.find(text.strip()) + pronoun.start()
            end = start + len(pronoun.group())
            possessive = pronoun.group() in ("its", "their", "his", "her")
            owner = f"{name}'s" if possessive else f"{name}的" if pronoun.group() == "其" else name
            return text[:start] + owner + text[end:]
    return text


def _subject(question: Question) -> str:
    """Return the words of what a question is about: its first name, else its first concept."""
    for kinds in (("name",), ("concept",), ("word",)):
        for unit in question.units:
            if unit.kind in kinds and not unit.low:
                return question.text[unit.start : unit.end]
    return ""


def _replace_like(before: str, part: str, analyser: Analyser) -> str:
    """Return the last question with the unit that is most like ``part`` replaced by it."""
    old, new = read_question(before, analyser), read_question(part, analyser)
    kinds = [unit.kind for unit in new.units if not unit.low] or ["word"]
    lexicon = analyser.lexicon

    def concept_kind(question: Question, place: int) -> str:
        keys = [term[1:] for term in question.units[place].terms if term[0] == "c"]
        found = lexicon.get(keys[0]) if keys else None
        return found.kind if found else ""

    wanted = next((concept_kind(new, i) for i in range(len(new.units)) if concept_kind(new, i)), "")
    same = [i for i in range(len(old.units)) if wanted and concept_kind(old, i) == wanted]
    like = same or [i for i, unit in enumerate(old.units) if unit.kind == kinds[0]]
    like = like or [i for i, unit in enumerate(old.units) if not unit.low]
    part = re.sub(r"^(?:in|for|of|on|by)\s+(?=\S)", "", part, flags=re.IGNORECASE) if like else part
    if not like:
        return f"{before} {part}"
    unit = old.units[like[0]]
    return before[: unit.start] + part + before[unit.end :]
