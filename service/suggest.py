"""Suggested questions: what the corpus's own headings and figures invite to ask, and what it then answers."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import PurePath
from typing import Any

from ingest.kb import Document, KnowledgeBase, Snapshot, find_quantities, fold
from ingest.kb.tokens import is_han
from service.answering import answer_now

__all__ = ["Suggestions", "asks_well", "named", "short_title"]

_WORDS = {
    "zh-Hant": "關於「{heading}」，《{title}》怎麼說？",
    "zh-Hans": "关于“{heading}”，《{title}》怎么说？",
    "en": "What does “{title}” say about “{heading}”?",
}
# Quotation marks within quotation marks of the same kind take the other kind.
_INNER = {
    "zh-Hant": str.maketrans("《》「」“”", "〈〉『』『』"),
    "zh-Hans": str.maketrans("《》“”「」", "〈〉‘’‘’"),
    "en": str.maketrans("“”", "‘’"),
}
_SKIPPED = re.compile(
    r"來源|来源|source|參考|参考|reference|目錄|目录|contents|abstract|摘要|附錄|附录|appendix|致謝|致谢|acknowledg|^(?:figure|table|圖|图|表)\s*\d"
)
_NUMBERING = re.compile(
    r"^\s*(?:(?:(?:[A-Z]\.)?\d{1,3}(?:\.\d+)*\.?|[IVX]+\.)\s+(?![\s年月])|[（(][一二三四五六七八九十\d]+[）)]\s*|第[一二三四五六七八九十\d]+[章節节部篇][：:\s]*|[一二三四五六七八九十\d]+、\s*)"
)
# What every report has a section of: a question about it could be about any report. Whole words, folded.
_GENERIC = frozenset(
    """
    ablation ablations additional analyses analysis approach authors background concluding conclusion conclusions contribution
    contributions dataset datasets details disclaimer discussion discussions evaluation evaluations executive experiment
    experimental experiments faq findings foreword future general highlights hyperparameters implement implementation introduction
    key limitation limitations main method methodology methods motivation notes objective objectives outline overview preface
    preliminaries preliminary purpose recommendations related remarks result results scope section setting settings setup studies
    study summary team work works
    前言 引言 绪论 导论 导言 序言 序 背景 研究背景 概述 概要 概况 总览 概览 摘要 执行摘要 简介 介绍 基本情况 实验 实验设置 实验设定
    实验结果 实验分析 结果 讨论 分析 结果分析 评估 评测 方法 研究方法 结论 结语 总结 小结 展望 未来展望 未来工作 相关工作 局限
    局限性 限制 研究限制 后记 附注 备注 说明 建议 目的 研究目的 重要提示 免责声明 常见问题 写在前面 写在最后
    """.split()
)
_BETWEEN = re.compile(r"\W+|[与和及暨]")
_SMALL = frozenset({"", "a", "an", "and", "for", "in", "of", "on", "our", "the", "to", "with"})
_DATE = re.compile(
    r"(?:[\d〇零○O一二三四五六七八九十]+|[年月日号號季至]|民[國国]|Q[1-4]|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|[\W_])+",
    re.IGNORECASE,
)
# A unit whose figure is lost, a mark that ends something, or a figure out of a table.
_CUT_OFF = re.compile(r"[年月日時时號号]\s*\d|[^\w《〈「『“‘\"'（(\[【<#@$￥¥€£]|\d{1,3}(?:,\d{3})+\s")
_PAIRS = ("《》", "〈〉", "「」", "『』", "“”", "（）", "()", "[]", "【】")
_LEAST_OF_LETTERS = 0.6
_FILE_NAME = re.compile(
    r"\S*_\S*|.*\.(?:pdf|docx?|wps|md|html?|txt|tex|pptx?|xlsx?|indd)|untitled.*|未命名.*|[無无][標标][題题].*", re.IGNORECASE
)
_MACHINE_MADE = re.compile(r"\d{3}|[a-z]-[a-z\d]")
_TITLE_BREAK = re.compile(r"\s*[：｜|—–]\s*|:\s+|\s-\s|(?<=\?)\s|(?<=[\w)]{2}),\s|，")
# Widths in Latin letters; a Han character counts as two.
_LEAST_OF_A_TITLE = 6.0
_MOST_OF_A_NAME = 36.0
_MOST_OF_A_TITLE = 64.0
_MOST_OF_A_HEADING = 44.0
_READ = 200  # passages of a document; more would only make a long book slow
_TRIES = 2  # headings of a document
_TRIES_ABOUT = 4  # of one that an answer cites
_CITED = 3  # documents; each heading is tried by asking
_DOCUMENTS = 60  # tried; in a library of ten thousand nobody waits for the last of them


def _width(text: str) -> float:
    return sum(2.0 if is_han(char) else 1.0 for char in text)


def short_title(title: str) -> str:
    """Return a title as people name it: without its subtitle, and never cut within a word.

    Args:
        title: Of a document.
    """
    title = " ".join(title.split())
    for found in _TITLE_BREAK.finditer(title):
        if _LEAST_OF_A_TITLE <= _width(title[: found.start()]) <= _MOST_OF_A_NAME:
            return title[: found.start()]
    if _width(title) <= _MOST_OF_A_TITLE:
        return title
    end = next(at for at in range(len(title), 0, -1) if _width(title[:at]) < _MOST_OF_A_TITLE)
    space = title.rfind(" ", 0, end + 1)
    if not (is_han(title[end - 1]) or is_han(title[end])) and space > 0:
        end = space
    return (title[:end].rstrip(" ,;:，、；：（(") or title[:end]) + "…"


def _words(text: str) -> set[str]:
    return set(_BETWEEN.split(fold(text))) - _SMALL


def _noise(heading: str) -> bool:
    """Whether a heading is the remains of one: half of a pair of marks, letters torn apart, signs."""
    if heading.count('"') % 2 or any(heading.count(pair[0]) != heading.count(pair[1]) for pair in _PAIRS):
        return True
    parts = heading.split()
    torn = len(parts) > 3 and sum(len(part) == 1 for part in parts) > len(parts) / 2
    return torn or sum(char.isalnum() for char in heading) < _LEAST_OF_LETTERS * len(heading.replace(" ", ""))


def asks_well(heading: str, title: str = "") -> bool:
    """Return whether a heading says what its section is about, so that one can ask about it.

    Args:
        heading: Without its number.
        title: Of the document; a heading that adds nothing to it but the name of a section says too little.
    """
    generic = _words(heading) <= _GENERIC | _words(title)
    return not (generic or _DATE.fullmatch(heading) or _CUT_OFF.match(heading) or _noise(heading))


def named(document: Document) -> bool:
    """Return whether a document has a title that people would call it by, rather than the name of its file."""
    title = document.title.strip()
    stem = title == PurePath(document.file_name).stem and _MACHINE_MADE.search(title.lower()) and " " not in title
    return not (stem or _FILE_NAME.fullmatch(title))


def _headings(kb: KnowledgeBase, document: Document) -> list[str]:
    """Return the headings whose passages hold most figures, first: they are what a reader of reports asks about."""
    counts: dict[str, int] = {}
    for passage, text in islice(kb.catalogue.passages_of([document.id]), _READ):
        heading = _NUMBERING.sub("", passage.heading[-1]).strip(" :：") if passage.heading else ""
        if (
            _LEAST_OF_A_TITLE <= _width(heading) <= _MOST_OF_A_HEADING
            and not _SKIPPED.search(heading.lower())
            and asks_well(heading, document.title)
            and heading not in document.title
        ):
            counts[heading] = counts.get(heading, 0) + len(find_quantities(fold(text)))
    return sorted(counts, key=lambda name: -counts[name])


def _questions(kb: KnowledgeBase, document: Document, tries: int) -> Iterator[dict[str, Any]]:
    """Yield questions that the document answers, of its first headings."""
    if not named(document):
        return
    inner = _INNER[document.language]
    for heading in _headings(kb, document)[:tries]:
        title = short_title(document.title).translate(inner)
        question = _WORDS[document.language].replace("{title}", title).replace("{heading}", heading.translate(inner))
        answer = answer_now(kb, question)
        if any(citation.document_id == document.id for citation in answer.citations):
            yield {"question": question, "language": document.language, "document_id": document.id}


def _offers(kb: KnowledgeBase) -> Iterator[dict[str, Any]]:
    """Yield questions about the newest documents, in turn by language."""
    snapshot = kb.snapshot()
    queues: dict[str, list[Document]] = {}
    for document in sorted(snapshot.documents.values() if snapshot else (), key=lambda item: (item.date or "", item.id), reverse=True):
        queues.setdefault(document.language, []).append(document)
    tried = 0
    while any(queues.values()) and tried < _DOCUMENTS:
        for language in [name for name, queue in queues.items() if queue]:
            document = queues[language].pop(0)
            tried += 1
            yield from islice(_questions(kb, document, _TRIES), 1)


class Suggestions:
    """The questions of the live generation, worked out as far as they were asked for, once."""

    def __init__(self, kb: KnowledgeBase) -> None:
        self._kb = kb
        self._generation = ""
        self._known: list[dict[str, Any]] = []
        self._rest: Iterator[dict[str, Any]] = iter(())
        self._about: dict[str, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def _renew(self) -> Snapshot | None:
        """Return the live generation; what was worked out for another one is forgotten."""
        snapshot = self._kb.snapshot()
        generation = snapshot.generation.name if snapshot else ""
        if generation != self._generation:
            self._generation, self._known, self._rest, self._about = generation, [], _offers(self._kb), {}
        return snapshot

    def first(self, limit: int) -> list[dict[str, Any]]:
        """Return the first questions.

        Args:
            limit: Most of them.
        """
        with self._lock:
            self._renew()
            while len(self._known) < limit and (offer := next(self._rest, None)) is not None:
                self._known.append(offer)
            return self._known[:limit]

    def about(self, document_ids: Sequence[str], limit: int) -> list[dict[str, Any]]:
        """Return questions to go on with after an answer, in turn of the documents that it cites; unknown ones are passed over.

        Args:
            document_ids: The first of them count.
            limit: Most questions.
        """
        with self._lock:
            snapshot = self._renew()
            documents = [snapshot.documents[name] for name in dict.fromkeys(document_ids) if name in snapshot.documents] if snapshot else []
            for document in documents[:_CITED]:
                if document.id not in self._about:
                    self._about[document.id] = list(_questions(self._kb, document, _TRIES_ABOUT))
            found = [self._about[document.id] for document in documents[:_CITED]]
            return [offer for row in zip_longest(*found) for offer in row if offer is not None][:limit]
