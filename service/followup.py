"""Follow-up questions made to stand alone by rule: pronouns and what is left out are filled from the questions before."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.kb import Analyser, fold, to_script
from ingest.kb.tokens import is_han
from service.followup_slots import Slot, in_language, put_in, slots, without_asking
from service.question import Question, Unit, read_question
from service.records import Turn

__all__ = ["readings", "standalone"]

# Follow-ups of follow-ups; what was asked longer ago is another matter.
_TURNS = 6
# 那 opens a follow-up, but not in 那里, 那个 and 那一年.
_THEN = r"(?:那么|那(?!里|儿|[个家款份项种些时两]|一?年)|而(?!且)|至于|还有|另外|再来|接着)"
_LEADS = (
    re.compile(rf"(?:{_THEN})?[，,\s]*(?:如果|要是|若)?(?:换成|换作|换为|改成|改为|改问|是)?\s*"),
    re.compile(
        r"(?:(?:and|but|so|ok|okay|then|now|also)\b[,\s]*)*"
        r"(?:(?:what|how) about\b|what of\b|what if it (?:is|was|were)\b|same (?:question )?for\b)?\s*"
        r"(?:(?:those|the ones)\s+(?=[a-z]+(?:ed|ing)\b|in\b|from\b|of\b|with\b|who\b))?"
    ),
)
_TAIL = re.compile(
    r"(?:的话)?[，,\s]*(?:(?:又|会|则|也|就|有|是|占|大约|大概|约|能)*(?:多少|几成|百分之几|怎样|怎么样|如何|什么情况))?\s*(?:呢)?[?？。!！\s]*$"
    r"|[,\s]*(?:then|instead|though|too)?[?？.!\s]*$"
)
_MARKED = re.compile(
    rf"^{_THEN}|^(?:换成|换作|改成|如果|要是)|呢(?:[?？。，\s]|$)|又(?:会|是|有|占)|^(?:and|but|what about|how about|what of|same)\b"
)
_PRONOUNS = re.compile(
    r"(?P<pair>前者|后者|\bthe (?:former|latter)\b)"
    r"|(?P<time>那(?:一)?年|当年|同年|同期|当时|\b(?:that|the same) (?:year|month|quarter)\b)"
    r"|(?P<there>那里|那儿|当地|\bthere(?= (?:in|by|from|have|has|be|use|are used)\b|[?\s]*$))"
    r"|(?P<figure>(?:这|那|该)(?:一)?(?:个|项|种)?(?:比例|占比|比率|数字|份额|数值|数据|百分比|指标|金额|数量|价格)"
    r"|\b(?:that|this|the same) (?:figure|share|number|percentage|rate|proportion|amount|ratio|price|value|metric|total)\b)"
    r"|(?P<noun>(?:这|那|该)(?:两|几|些)?(?:个|家|款|份|项|种|间|座|部|篇|场|一)?"
    r"(?:公司|企业|厂商|机构|组织|模型|产品|工具|平台|报告|研究|论文|国家|国|地区|城市|语言|人)"
    r"|\b(?:that|this|the same|these|those) (?:company|companies|firm|lab|organi[sz]ation|models?|product|tool|platform|report|study|paper"
    r"|country|countries|region|city|language|person)\b)"
    r"|(?P<it>(?:它|他|她)们|它|(?<!其)(?<!吉)(?<!排)他(?!们|人|国)|她|(?<!尤)(?<!极)(?<!与)(?<!何)其(?!他|它|中|实|余|次|间|后|妙)|这些|那些|两者|二者"
    r"|\b(?:they|them|their|theirs|its|it|he|him|his|she|her|these|those|both of them)\b)"
)
_KINDS = {
    "company": r"公司|企业|厂商|compan|firm|lab",
    "org": r"机构|组织|organi",
    "model": r"模型|model",
    "product": r"产品|工具|平台|product|tool|platform",
    "report": r"报告|研究|论文|report|study|paper",
    "place": r"国|地区|城市|countr|region|city",
    "person": r"人$|person|^(?:他|她|he|him|his|she|her)$",
}
# Which month asks, it is no topic.
_UNITS_OF_TIME = frozenset(("cmonth", "cyear", "cday", "cdate", "cmany", "wmonth", "wyear"))
_POSSESSIVE = frozenset(("its", "their", "his", "her"))
_EMPTY = re.compile(
    r"(?:那么|那|这|而|又|会|还|是|的|到底|究竟|主要|从|开始|起|发生|造成|样|有|做到?|具体|在|由|于|原因|理由|谁|一共|总共|其中|它们?|这些|这样"
    r"|[?？!！。，,\s]|呢|吗|啊|了)*"
)
_EMPTY_EN = frozenset(
    "and but so then is was are were that this it so did do does happen happened start started begin began come of them these those by in "
    "exactly the reason for be they there".split()
)
_WH = re.compile(
    r"为什么|为何|为啥|怎么会|什么原因|怎么(?:做到|办到)?|如何|什么时候|何时|几时|哪(?:一)?年|哪个?月|哪里|哪儿|谁|多少(?:个|家|种|次|人)?|几(?:个|家|种|次|位)"
    r"|哪些|哪几个|哪(?:一)?(?:家|个|款|国)"
    r"|\b(?:since when|how come|how (?:many|much|often|long|large)|by whom|why|when|where|who|which(?: ones?)?|how|what (?:year|month))\b"
)

# The same with the kind that is asked for, and nothing else: and in which county? 那在哪個城市？
_WH_KIND = re.compile(
    r"(?:在|于|由|从)?哪(?:一)?(?:个|家|款|座|种|项|份|国)[\u4e00-\u9fff]{1,4}?(?=[?？。\s呢]*$)"
    r"|\b(?:(?:in|at|by|for|from|on|under|with) )?(?:which|what) [a-z]+(?=[?.!\s]*$)"
)


def standalone(text: str, history: Sequence[Turn], analyser: Analyser) -> str:
    """Return the question with what it leaves out filled from the turns before; unchanged when it stands alone.

    Args:
        text: The question as asked.
        history: Earlier turns, oldest first.
        analyser: The knowledge base's.
    """
    before, answer = _asked_before(history, analyser)
    return _filled(text, before, answer, analyser) if before else text


def readings(text: str, history: Sequence[Turn], analyser: Analyser) -> list[str]:
    """Return the ways to read a question after others, the likeliest by rule first; what the corpus says to each must decide.

    後來是到哪一版才修好的？ shows no sign of leaning on the question before it, and may all the same.

    Args:
        text: The question as asked.
        history: Earlier turns, oldest first.
        analyser: The knowledge base's.
    """
    before, answer = _asked_before(history, analyser)
    if not before or not text.strip():
        return [text]
    own, last = _read_both(text, before, analyser)
    first = _filled(text, before, answer, analyser)
    rest = [unit for unit in own.units if unit.kind != "name" and not unit.low and unit.salience >= 1.0]
    named = [unit for unit in own.units if unit.kind == "name" and not unit.low]
    if named:
        # A name and hardly a word beside it takes the place of its like: 谷歌那邊是什麼做法？
        name = own.text[named[0].start : named[0].end]
        others = [put_in(last, read_question(name, analyser), analyser)] if len(named) == 1 and len(rest) <= 1 else []
    else:
        names = [unit for unit in last.units if unit.kind == "name"]
        others = [_behind(own, last, units) for units in (names, _about(own, last))]
    return list(dict.fromkeys(reading for reading in (first, *others) if reading))


def _asked_before(history: Sequence[Turn], analyser: Analyser) -> tuple[str, str]:
    """Return the last question before, made to stand alone, and the answer to it; each empty if there is none."""
    before, answer = "", ""
    for turn in history[-2 * _TURNS :]:
        if turn.role == "user":
            before = _filled(turn.content, before, answer, analyser)
            answer = ""
        elif turn.role == "assistant":
            answer = turn.content
    return before, answer


def _read_both(text: str, before: str, analyser: Analyser) -> tuple[Question, Question]:
    last = read_question(before, analyser)
    own = read_question(text, analyser, fallback=last.language)
    if last.language != own.language and "en" not in (last.language, own.language):
        last = read_question(to_script(before, own.language), analyser)
    return own, last


def _filled(text: str, before: str, answer: str, analyser: Analyser) -> str:
    if not before or not text.strip():
        return text
    own, last = _read_both(text, before, analyser)
    made = _bare(own, last) or _elliptic(own, last, analyser) or _pronouns(own, last, answer, analyser)
    return made or _with_topic(own, last) or text


def _with_topic(own: Question, last: Question) -> str:
    """Return a follow-up that asks something else of the same thing behind what the last question was about; empty if it is none.

    那微調用了幾張 GPU？ after a question on M3-Embedding's pre-training: M3-Embedding 預訓練：微調用了幾張 GPU？
    """
    return _behind(own, last, _about(own, last)) if _MARKED.search(own.analysis.folded.strip()) else ""


def _about(own: Question, last: Question) -> list[Unit]:
    """Return what a question was about and the one after it does not say itself."""
    told = {term for unit in own.units for term in unit.terms}
    return [unit for unit in last.units if unit.salience >= 1.0 and not unit.low and not unit.kind_asked and told.isdisjoint(unit.terms)]


def _behind(own: Question, last: Question, about: Sequence[Unit]) -> str:
    """Return a question behind some words of the last one; empty without any."""
    if not about:
        return ""
    folded = own.analysis.folded.strip()
    lead = max(found.end() for pattern in _LEADS if (found := pattern.match(folded))) if _MARKED.search(folded) else 0
    rest = own.text.strip()[lead:].lstrip(" ，,")
    spans: list[tuple[int, int]] = []
    for unit in about:
        # M3-Embedding is one name of two words.
        if spans and unit.start <= spans[-1][1] + 1 and not last.text[spans[-1][1] : unit.start].isspace():
            spans[-1] = (spans[-1][0], max(spans[-1][1], unit.end))
        else:
            spans.append((unit.start, unit.end))
    names = [re.sub(r"^(?:of|the)\s+", "", last.text[start:end]) for start, end in spans]
    if own.language == "en":
        return f"{', '.join(names)}: {rest}"
    return f"{'、'.join(names)}：{rest}"


def _bare(own: Question, last: Question) -> str:
    """Return the question for a follow-up that is nothing but the words that ask: 為什麼？ / since when? / how many of them?"""
    folded = own.analysis.folded.strip()
    asks = _WH_KIND.search(folded) or _WH.search(folded)
    if own.language == "en":
        words = set(re.findall(r"[a-z]+", folded)) - set(re.findall(r"[a-z]+", asks.group() if asks else ""))
        if words - _EMPTY_EN:
            return ""
        empty = bool(asks) or bool(words & {"more"})
    else:
        empty = bool(asks) and _EMPTY.fullmatch(folded[: asks.start()] + folded[asks.end() :]) is not None if asks else False
    if not asks or not empty:
        return ""
    wh = own.text.strip()[asks.start() : asks.end()]
    rest = without_asking(last)
    if own.language == "en":
        first = wh[0].upper() + wh[1:]
        counted = re.match(r"(?:which|what)(?: of the)? (?=\w+s\b)", last.analysis.folded)
        if wh.lower() == "how many" and counted:
            return first + " " + last.text[counted.end() :]
        return f"{first}: {rest}?" if last.language == "en" else f"{rest}: {wh}?"
    return f"{rest}，{wh}？"


def _elliptic(own: Question, last: Question, analyser: Analyser) -> str:
    """Return the last question with what the follow-up names in place of its like: 那 Qwen 呢？ / and in Asia? / 2023 年？."""
    folded = own.analysis.folded
    stripped = len(folded) - len(folded.lstrip())
    body = folded.strip()
    marked = bool(_MARKED.search(body))
    lead = max(found.end() for pattern in _LEADS if (found := pattern.match(body)))
    tail = _TAIL.search(body, lead)
    end = tail.start() if tail else len(body)
    part = own.text[stripped + lead : stripped + end].strip(" ，,、")
    if not part:
        return ""
    named = read_question(part, analyser)
    news = slots(named, analyser)
    old = slots(last, analyser)
    figure = _PRONOUNS.search(fold(part))
    if figure and figure.lastgroup == "figure":
        marked, news = True, [slot for slot in news if slot.start >= figure.end() or slot.end <= figure.start()]
        if not news or any(slot.sort == "topic" and not slot.low for slot in news):
            return ""
        named = read_question(part[: figure.start()] + part[figure.end() :], analyser)
    elif figure and not _echoes(news, old):
        return ""
    if not news and not marked:
        return ""
    asking = _WH.search(fold(part)) or re.search(r"什么|\bwhat\b|哪", fold(part))
    only_names = bool(news) and all(slot.sort != "topic" for slot in news) and not _more_words(part, news)
    # What asks in words of its own stands alone, unless it names nothing but another slot of the last question.
    short = _echoes(news, old) or _lacks_subject(news, old) if asking else only_names or (marked and not _is_sentence(part))
    if not short or (asking and not marked):
        return ""
    # Several new topics are a new question about the same thing, not other fillings of the old one.
    if not only_names and not asking and sum(slot.sort == "topic" and not slot.low for slot in news) > 1:
        return ""
    return put_in(last, named, analyser, only_new=bool(asking or figure))


def _more_words(part: str, found: Sequence[Slot]) -> bool:
    """Return whether there are other words beside the names: Qwen 的, in 2023 are none, Qwen leads is."""
    rest = part
    for slot in reversed(found):
        rest = rest[: slot.start] + " " + rest[slot.end :]
    return bool(re.sub(r"[\s，,、的在和与與年底]|\b(?:in|for|on|at|by|the|of|and|from|with)\b", "", rest, flags=re.IGNORECASE))


def _is_sentence(part: str) -> bool:
    return len(part) > (24 if any(is_han(char) for char in part) else 60)


def _echoes(found: Sequence[Slot], old: Sequence[Slot]) -> bool:
    """Return whether a follow-up names nothing new but names, places and dates: all its topics are those of the last question."""
    told = frozenset[str]().union(*(slot.terms for slot in old)) if old else frozenset[str]()
    topics = [slot for slot in found if slot.sort == "topic" and not slot.low and not slot.terms & _UNITS_OF_TIME]
    return any(slot.sort != "topic" for slot in found) and all(slot.terms & told for slot in topics)


def _lacks_subject(found: Sequence[Slot], old: Sequence[Slot]) -> bool:
    """Return whether the last question has a name, and the follow-up has a date or place but none."""
    names = {"company", "model", "product", "org", "latin", "person"}
    return (
        any(slot.sort in names for slot in old)
        and bool(found)
        and all(slot.sort in ("date", "place", "topic") for slot in found)
        and any(slot.sort != "topic" for slot in found)
    )


def _pronouns(own: Question, last: Question, answer: str, analyser: Analyser) -> str:
    """Return the question with its first pronoun replaced by what it stands for; empty if there is none."""
    text, folded = own.text, own.analysis.folded
    for found in _PRONOUNS.finditer(folded):
        if text[found.start() : found.end()] == "IT":
            continue
        kind = found.lastgroup or ""
        told = _kind_of(found.group()) if kind in ("noun", "it") else ""
        # DeepSeek 和它的模型: what stands before it in the same question is what it means.
        if kind in ("it", "noun") and any(
            slot.sort not in ("topic", "date", "figure") for slot in slots(own, analyser) if slot.end <= found.start()
        ):
            continue
        name = _referent(kind, found.group(), told, last, answer, analyser)
        if not name:
            continue
        name = in_language(name, own.language, analyser)
        end = found.end()
        if found.group() in _POSSESSIVE:
            name += "'s"
        elif found.group() == "其":
            name += " 的" if name.isascii() else "的"
        lead = re.match(r"(?:那么|那|而)(?=\S)", folded) if found.start() else None
        skip = lead.end() if lead and lead.end() <= found.start() else 0
        return text[skip : found.start()] + _spaced(text, found.start(), name, end) + text[end:]
    return ""


def _spaced(text: str, start: int, name: str, end: int) -> str:
    before = " " if start and is_han(text[start - 1]) and name[0].isascii() else ""
    after = " " if text[end : end + 1] and is_han(text[end]) and name[-1].isascii() else ""
    return f"{before}{name}{after}"


def _kind_of(pronoun: str) -> str:
    return next((kind for kind, pattern in _KINDS.items() if re.search(pattern, pronoun)), "")


_NAMES = ("company", "model", "product", "org", "latin", "person", "report")
_Places = list[tuple[Question, Slot]]


def _referent(kind: str, pronoun: str, told: str, last: Question, answer: str, analyser: Analyser) -> str:
    """Return what a pronoun stands for, in the words of the last question or of the answer to it; empty if nothing fits."""
    if kind == "figure":
        return without_asking(last)
    said = read_question(answer[:600], analyser) if answer else None
    asked: _Places = [(last, slot) for slot in slots(last, analyser)]
    answered: _Places = [(said, slot) for slot in slots(said, analyser)] if said else []
    if kind == "pair":
        return _one_of_two(pronoun, asked, answered)
    # Where a name was asked for, the answer has it; else what was asked about is spoken of.
    asked_for = bool(set(last.types) & {"entity", "person", "place"})
    places = answered + asked if asked_for else asked + answered
    if kind in ("time", "there"):
        return _first(places, "date" if kind == "time" else "place")
    if asked_for and not told:
        asks = re.search(r"(?:哪|which |what )[^，。？?]{0,12}", last.analysis.folded)
        told = _kind_of(asks.group()) if asks else ""
    if told:
        exact = _first(places, *_LIKE.get(told, (told,)))
        if exact or told in ("place", "report", "person"):
            return exact
    if not asked_for:
        places = asked
    return _first(places, *_NAMES) or _first(places, "place") or _topic(last, analyser)


# What a kind of thing may be listed as.
_LIKE = {"company": ("company", "org"), "org": ("org", "company"), "model": ("model", "latin")}


def _first(places: _Places, *sorts: str) -> str:
    fit = [(question, slot) for question, slot in places if slot.sort in sorts]
    fit = [pair for pair in fit if not pair[1].source] or fit
    return fit[0][0].text[fit[0][1].start : fit[0][1].end] if fit else ""


def _one_of_two(pronoun: str, asked: _Places, answered: _Places) -> str:
    """Return the former or the latter of two names, places or topics, of the question if it names two."""
    for places in (asked, answered):
        for sorts in (_NAMES, ("place",), ("topic",)):
            pair = [(question, slot) for question, slot in places if slot.sort in sorts and not slot.low]
            if len(pair) == 2:
                question, slot = pair[pronoun == "后者" or "latter" in pronoun]
                return question.text[slot.start : slot.end]
    return ""


def _topic(question: Question, analyser: Analyser) -> str:
    """Return the topic of a question that names nothing: its first topic that is not low."""
    fit = [slot for slot in slots(question, analyser) if slot.sort == "topic" and not slot.low]
    return question.text[fit[0].start : fit[0].end] if fit else ""
