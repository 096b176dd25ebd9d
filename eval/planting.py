"""Sentences made from others: faithful ones said differently, and ones with a single planted error."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.kb import Quantity, detect_script, find_quantities, fold, to_script

__all__ = ["Place", "faithful_forms", "planted_forms"]


@dataclass(frozen=True, slots=True)
class Place:
    """A passage: of which document, whose report, under which title and heading."""

    document: str
    origin: str
    context: str
    text: str
    sentences: tuple[str, ...]


# A swap needs two names of one group in the sentence, or one in the sentence and another in the passage.
_ENTITIES = (
    (
        "美国",
        "美國",
        "中国",
        "中國",
        "欧洲",
        "歐洲",
        "英国",
        "英國",
        "新加坡",
        "德国",
        "德國",
        "台湾",
        "台灣",
        "日本",
        "韩国",
        "南韓",
        "印度",
    ),
    ("亚洲", "亞洲", "北美", "欧洲", "歐洲", "非洲", "南美", "大洋洲"),
    ("DeepSeek R1", "DeepSeek V3-0324", "Gemini 2.5 Pro", "Claude 4 Sonnet", "GPT-4o Mini", "Gemini 2.0 Flash", "Llama 4 Maverick"),
    ("Anthropic", "OpenAI", "Google", "Microsoft", "DeepSeek", "Qwen", "Kimi", "Meta"),
    ("豆包", "DeepSeek", "腾讯元宝"),
    ("the United States", "The United States", "China", "New York State"),
    ("微軟", "CNNIC", "麥肯錫", "史丹佛"),
    ("微软", "CNNIC", "斯坦福"),
    ("claude-3.7-sonnet", "gemini-2.0-flash", "granite-4.0-micro", "gpt-5-pro"),
    ("augmentation", "automation"),
    ("experts", "the public"),
    ("角色扮演", "編程", "编程", "程式開發"),
    ("roleplay", "programming"),
    ("全球北方", "全球南方"),
)
_INVENTED = {
    "en": (
        "Analysts expect this trend to reverse within the next two years.",
        "The authors blame the change on higher electricity prices.",
        "Most users say that they would recommend it to their colleagues.",
        "Regulators in Brussels have opened an inquiry into the practice.",
    ),
    "zh-Hans": (
        "分析人士预计这一趋势将在未来两年内逆转。",
        "作者把这一变化归因于电价上涨。",
        "大多数用户表示愿意推荐给同事。",
        "欧盟监管机构已就此展开调查。",
    ),
    "zh-Hant": (
        "分析師預期這個趨勢未來兩年內會反轉。",
        "作者把這個變化歸因於電價上漲。",
        "大多數使用者表示願意推薦給同事。",
        "歐盟監理機關已經就此展開調查。",
    ),
}
_NEGATE = (
    (" is ", " is not "), (" are ", " are not "), (" were ", " were not "), (" rose ", " did not rise "), (" fell ", " did not fall "),
    (" grew ", " did not grow "), (" accounts for ", " does not account for "), (" draw ", " do not draw "), (" held ", " never held "),
    ("是", "不是"), ("显示", "没有显示"), ("顯示", "沒有顯示"), ("占", "不占"), ("佔", "不佔"), ("升到", "沒有升到"), ("升至", "沒有升至"),
    ("超过", "没有超过"), ("超過", "沒有超過"), ("增加", "没有增加"), ("达到", "没有达到"), ("達到", "沒有達到"), ("出现", "没有出现"),
)  # fmt: skip
_DENIES = re.compile(r"\b(?:not|no|never|none|neither|only|without)\b|[不没沒无無未非]")


def _language(text: str) -> str:
    if not re.search(r"[\u4e00-\u9fff]", text):
        return "en"
    return detect_script(text) or "zh-Hans"


def _rng(text: str) -> random.Random:
    return random.Random(zlib.crc32(text.encode()))


def faithful_forms(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) of a sentence said differently."""
    yield "verbatim", sentence
    language = _language(sentence)
    if language != "en":
        other = to_script(sentence, "zh-Hans" if language == "zh-Hant" else "zh-Hant")
        if other != sentence:
            yield "other script", other
    comma, stop = (", ", ".") if language == "en" else ("，", "。")
    parts = [part.strip() for part in re.split(r"[；;] ?" if "；" in sentence or "; " in sentence else re.escape(comma), sentence)]
    parts = [re.sub(r"[.。]$", "", part) for part in parts]
    if len(parts) > 1 and all(len(part) > (25 if language == "en" else 9) for part in parts):
        yield "shortened", parts[0] + stop
        if len(parts) == 2:
            yield "reordered", (parts[1][:1].upper() + parts[1][1:] if language == "en" else parts[1]) + comma + parts[0] + stop
    if language != "en" and (moved := re.match(r"^((?:截至|到|在)?\s?20\d\d 年[^，。]{0,9})，([^，。]{8,})。$", sentence)):
        yield "reordered", f"{moved.group(2)}，这是{moved.group(1)}的数字。"


def _figures(text: str) -> list[Quantity]:
    return [
        q
        for q in find_quantities(fold(text))
        if q.kind != "date" and q.unit != "month-day" and any(c.isdigit() for c in text[q.start : q.end])
    ]


def _dates(text: str) -> list[Quantity]:
    return [q for q in find_quantities(fold(text)) if q.kind == "date"]


def _changed_figure(sentence: str, text: str) -> str | None:
    """Return the sentence with the digits of one figure changed so that the passage does not hold it."""
    rng = _rng(sentence)
    figures = _figures(sentence)
    held = {q.term for q in find_quantities(fold(text))}
    for quantity in rng.sample(figures, len(figures)):
        raw = sentence[quantity.start : quantity.end]
        places = [i for i, char in enumerate(raw) if char.isdigit()]
        for at in rng.sample(places, len(places)):
            new = raw[:at] + str((int(raw[at]) + rng.randint(1, 8)) % 10 or 1) + raw[at + 1 :]
            out = sentence[: quantity.start] + new + sentence[quantity.end :]
            if {q.term for q in find_quantities(fold(out))} - held:
                return out
    return None


def _moved_figure(sentence: str, text: str) -> str | None:
    """Return the sentence with one figure replaced by another of its sort that the passage gives for something else."""
    rng = _rng(sentence)
    own = _figures(sentence)
    held = {q.term for q in own}
    others = [(q, text[q.start : q.end]) for q in _figures(text) if q.term not in held]
    # Shares first: of those a passage gives several, each of something else.
    for quantity in sorted(rng.sample(own, len(own)), key=lambda q: q.kind != "percent"):
        fitting = [raw for q, raw in others if (q.kind, q.unit) == (quantity.kind, quantity.unit)]
        if fitting:
            return sentence[: quantity.start] + rng.choice(fitting) + sentence[quantity.end :]
    return None


def _changed_year(sentence: str, text: str) -> str | None:
    """Return the sentence with one year changed: to another of the passage, else to the one before."""
    rng = _rng(sentence)
    dates = _dates(sentence)
    if not dates:
        return None
    quantity = rng.choice(dates)
    raw = sentence[quantity.start : quantity.end]
    found = re.search(r"(?:19|20)\d\d", raw)
    if found is None:
        return None
    own = {q.date[:4] for q in dates}
    others = sorted({q.date[:4] for q in _dates(text)} - own) or [str(int(found.group()) - 1)]
    return sentence[: quantity.start] + raw.replace(found.group(), rng.choice(others)) + sentence[quantity.end :]


def _swapped(sentence: str, text: str, names: Sequence[Sequence[str]]) -> str | None:
    """Return the sentence with two of its names exchanged, or one replaced by another of the passage."""
    for group in names:
        own = sorted((sentence.find(name), name) for name in group if name in sentence)
        if not own:
            continue
        if len(own) > 1:
            a, b = own[0][1], own[1][1]
            if a in b or b in a:
                continue
            return sentence.replace(a, "\x00").replace(b, a).replace("\x00", b)
        there = [name for name in group if name in text and name not in sentence]
        figures = _figures(sentence)
        if there and figures and own[0][1] not in there[0]:
            return sentence.replace(own[0][1], there[0])
    return None


def planted_forms(
    sentence: str, number: int, places: Sequence[Place], names: Sequence[Sequence[str]] = _ENTITIES
) -> Iterator[tuple[str, str, Place]]:
    """Yield (kind, text, the passage it cites) of a sentence with one error planted.

    Args:
        sentence: A faithful one.
        number: Place of its passage.
        places: All passages.
        names: Groups of names that can be mistaken for one another.
    """
    place = places[number]
    for kind, text in (
        ("figure", _changed_figure(sentence, place.text + place.context)),
        ("figure of another", _moved_figure(sentence, place.text)),
        ("year", _changed_year(sentence, place.text)),
        ("entity", _swapped(sentence, place.text, names)),
        ("negation", _negated(sentence)),
    ):
        if text and text != sentence:
            yield kind, text, place
    rng = _rng(sentence)
    elsewhere = [other for other in places if other.origin != place.origin]
    yield "citation", sentence, rng.choice(elsewhere)
    if rng.random() < 0.4:
        yield "invented", rng.choice(_INVENTED[_language(sentence)]), place


def _negated(sentence: str) -> str | None:
    """Return the sentence denied; only sentences that deny nothing."""
    if _DENIES.search(sentence):
        return None
    for plain, denied in _NEGATE:
        if plain in sentence and plain + "比" not in sentence:
            return sentence.replace(plain, denied, 1)
    return None
