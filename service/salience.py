"""How much a word of a question says about its subject, by its part of speech.

A corpus that lacks a verb or an adverb of the question may well answer it in other words (判斷 and 劃分, *caused* and *comes from*);
one that lacks its noun or its name hardly does. Chinese words are tagged by rjieba; English has no tagger without a model, so its
general verbs, adverbs and adjectives are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ingest.kb.tokens import Token, is_han, stem

__all__ = ["LOW", "saliences", "tagged_people"]

WHOLE, VERB, LOW, FUNCTION = 1.0, 0.4, 0.3, 0.1

# Tags of the ICTCLAS set: r pronoun, d adverb, p preposition, c conjunction, u particle, m numeral, q measure word, y e o mood and sound,
# f position, k h affixes; v verb, a adjective, z state. vn and an are nouns made of verbs and adjectives.
_FUNCTION_TAGS = frozenset("rdpcumqyeofkhxw")
_VERB_TAGS = frozenset(("v", "vd", "vg", "vi", "vq", "vf", "vx", "a", "ad", "ag", "z", "zg", "i", "l"))

_ENGLISH_VERBS = (
    "accept account achieve act add admit affect agree aim allow answer appear apply argue arrive ask assume attempt attract avoid base "
    "be become begin behave believe belong break bring build call carry catch cause change charge choose claim combine come compare "
    "complete concern conclude consider consist contain continue contribute cost count cover create cut date deal decide decline "
    "define depend derive describe deserve design determine develop differ direct discover discuss divide dominate double draw drive "
    "drop earn emerge employ enable encourage end enjoy enter estimate evaluate exceed exclude exist expand expect experience explain "
    "express extend face fall favour favor feel fill find finish fit follow force form gain gather get give give go grow handle happen "
    "help hit hold identify imply improve include increase indicate influence intend introduce invest involve issue join judge jump keep "
    "know lack last launch lead learn leave let lie like limit link list live look lose lower maintain make manage mark matter mean "
    "measure meet mention miss move name need notice obtain occur offer open operate order organise organize overtake own participate "
    "pass pay perform pick place plan play point possess prefer prepare present prevent produce promise propose prove provide publish "
    "pull push put raise range rank reach read receive recommend record reduce refer reflect regard relate release rely remain remove "
    "replace represent require respond result return reveal rise run save say score see seem select sell send separate serve set settle "
    "shift show sit slow sort speak spend split spread stand start state stay stop study succeed suffer suggest supply support surpass "
    "surround take talk tell tend test think touch treat trigger try turn understand undergo use vary view visit wait want warn watch win "
    "work worry write "
    "available bad best better big broad common different difficult early easy entire exact fast few final first full general good great "
    "hard heavy high important large last late latest leading likely little long low main major many much near new next old only open "
    "original other overall particular poor popular possible previous quick rare real recent right same second short similar simple single "
    "slow small special specific strong sure third top total typical usual various well whole wide worst wrong young "
)
_ENGLISH_FUNCTION = (
    "a am are be been being is about above according across actually after again against ago all almost alone along already also although "
    "always among an and "
    "another any anyone anything anywhere apart around as at away back before behind below beside besides between beyond both but by can "
    "certain could currently despite did do does done down during each either else enough especially even ever every everyone everything "
    "everywhere exactly far for former from further given had has have he hence her here him his how however if in indeed inside instead "
    "into is it its itself just kind least less lot made may maybe me mean might more moreover most mostly must my myself never "
    "nevertheless no nobody none nor not nothing now of off often on once one ones onto or others otherwise our out outside over own part "
    "per perhaps piece please quite rather really roughly said shall she should since so some somebody somehow someone something sometimes "
    "somewhat somewhere sort still such than that the their them themselves then there therefore these they thing this those though "
    "through throughout thus till to today together too toward towards tell under unless unlike until up upon us usually versus very via "
    "was way we were what whatever when whenever where whereas wherever whether which while who whoever whole whom whose why will with "
    "within without would yes yet you your exist happen people person"
)
_LISTED = {stem(word): VERB for word in _ENGLISH_VERBS.split()} | {stem(word): FUNCTION for word in _ENGLISH_FUNCTION.split()}
# Irregular forms of the verbs above, which no stemmer brings together.
_LISTED |= dict.fromkeys(
    "became began begun belonged bought brought broke broken built came chose chosen drawn drew drove driven fell fallen felt found gave "
    "given gone got grew grown held hit kept knew known lay led left lost made meant met paid ran rose risen said sat saw seen sent set "
    "shown sold spent spoke stood stopped taken taught thought told took understood went won wrote written".split(),
    VERB,
)


@lru_cache(maxsize=2048)
def _tagged(text: str) -> tuple[tuple[str, str], ...]:
    import rjieba

    tagger: Any = rjieba
    return tuple(tagger.tag(text))


def tagged_people(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Return the spans of the Chinese words that are tagged as persons' names (nr, nrt …)."""
    out = []
    for token in tokens:
        if token.kind != "han":
            continue
        at = token.start
        for word, tag in _tagged(token.text):
            if tag.startswith("nr"):
                out.append((at, at + len(word)))
            at += len(word)
    return out


def saliences(tokens: Sequence[Token]) -> list[tuple[int, int, float]]:
    """Return spans of words and how much each says, 0 to 1, in order.

    Args:
        tokens: Runs of the folded text.
    """
    out: list[tuple[int, int, float]] = []
    for token in tokens:
        if token.kind != "han":
            out.append((token.start, token.end, _LISTED.get(stem(token.text), WHOLE)))
            continue
        at = token.start
        for word, tag in _tagged(token.text):
            worth = FUNCTION if tag[:1] in _FUNCTION_TAGS else VERB if tag in _VERB_TAGS else WHOLE
            out.append((at, at + len(word), FUNCTION if len(word) == 1 and worth < WHOLE and is_han(word) else worth))
            at += len(word)
    return out
