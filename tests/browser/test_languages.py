"""U21 to U23: three languages of the page, of the answers, and of the search."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from conftest import OpenPage
from driver import CITED, ROOT, Site, ask
from opencc import OpenCC
from playwright.sync_api import Page, expect

from ingest.kb.script import detect_script

LANGUAGES = ["zh-Hant", "zh-Hans", "en"]
WEB = ROOT / "service" / "web"
# Words of one side of the strait that must not stand in the other's file.
ONLY_HANS = (
    "软件 数据 网络 服务器 默认 设置 搜索 上传 用户 质量 链接 反馈 打印 鼠标"
    " 軟件 數據 網絡 服務器 默認 設置 搜索 用戶 質量 鏈接 反饋 打印 鼠標 視頻 信息"
).split()
ONLY_HANT = (
    "軟體 檔案 網路 伺服器 預設 設定 搜尋 載入 使用者 品質 支援 連結 回饋 列印 滑鼠"
    " 软体 档案 网路 伺服器 预设 搜寻 载入 使用者 品质 支援 连结 回馈 列印 滑鼠"
).split()
# Said alike in every language.
SAME = {"language.zh-Hant", "language.zh-Hans", "language.en", "source.of"}
# One shape in both scripts, or a character that Traditional text uses too.
SHARED = set("台群才里后面系只干斗了余几准采表松谷朱卜丑志")
# A word in both regions' wording, and what a passage about it says (in Simplified characters).
PAIRS = [
    ("軟體", "软件", "软体|软件|software"),
    ("人工智慧", "人工智能", r"人工智慧|人工智能|\bai\b"),
    ("資訊", "信息", "资讯|信息|information"),
    ("演算法", "算法", "演算法|算法|algorithm"),
    ("使用者", "用户", "使用者|用户|user"),
    ("權重開放", "权重开放", "权重开放|开放权重|开源|open.weight"),
    ("代理式推論", "代理式推理", "代理|智能体|agent"),
    ("程式設計", "编程", "程式|编程|程序|代码|programming|coding"),
    ("詞元", "词元", "词元|token"),
    ("資料", "数据", "资料|数据|data"),
]


def _strings(page: Page) -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = page.evaluate(
        "async () => Object.fromEntries(await Promise.all(['en', 'zh-Hans', 'zh-Hant'].map(async (tag) =>"
        " [tag, (await import(`/web/strings.${tag}.js`)).default])))"
    )
    return tables


@pytest.fixture
def tables(page: Page) -> dict[str, dict[str, str]]:
    return _strings(page)


def test_u21_string_files_have_equal_keys(tables: dict[str, dict[str, str]]) -> None:
    """The three files hold the same keys with the same placeholders, none empty, none left in English."""
    english = tables["en"]
    for tag in ("zh-Hans", "zh-Hant"):
        table = tables[tag]
        assert list(table) == list(english)
        for key, text in table.items():
            assert text.strip(), (tag, key)
            assert set(re.findall(r"\{(\w+)", text)) == set(re.findall(r"\{(\w+)", english[key])), (tag, key)
            assert key in SAME or re.search(r"[㐀-鿿]", text), (tag, key, text)


def test_u21_no_key_is_missing_or_unused(tables: dict[str, dict[str, str]]) -> None:
    """Every key that the page names exists, and every key that exists is named."""
    source = "\n".join(path.read_text() for path in [*WEB.glob("*.js"), WEB / "index.html"] if not path.name.startswith("strings"))
    quoted = set(re.findall(r"[\"'`]([a-z]+(?:\.[A-Za-z0-9_-]+)+)[\"'`]", source)) | set(
        re.findall(r"data-t(?:-\w+)?=\"([\w.-]+)\"", source)
    )
    families = {match + "." for match in re.findall(r"`([a-z]+(?:\.[a-z]+)*)\.\$\{", source)}
    prefixes = tuple({key.split(".")[0] for key in tables["en"]})
    # A key has the first word of a key; what else is quoted with dots is a file or a store's slot.
    named = {key for key in quoted if key.split(".")[0] in prefixes and not key.endswith(".js")}
    assert named - set(tables["en"]) == set()
    words = set(re.findall(r"[\"'`](\w+)[\"'`]", source))
    unused = {key for key in tables["en"] if key not in quoted and key not in words and not key.startswith(tuple(families))}
    assert unused == set()


def test_u21_scripts_and_wording_do_not_mix(tables: dict[str, dict[str, str]]) -> None:
    """The Traditional file has no Simplified character and no mainland word, and the reverse."""
    to_hant, to_hans = OpenCC("s2t"), OpenCC("t2s")
    own = {"language.zh-Hans", "language.zh-Hant", "composer.placeholder"}
    for tag, convert, banned in (("zh-Hant", to_hant, ONLY_HANS), ("zh-Hans", to_hans, ONLY_HANT)):
        for key, text in tables[tag].items():
            if key in own:
                continue
            strange = [one for one in text if convert.convert(one) != one and one not in SHARED]
            assert strange == [], (tag, key, text)
            assert [word for word in banned if word in text] == [], (tag, key, text)
            assert not re.search(r"[㐀-鿿][,;!?](?!\w)", text), (tag, key, text)


def test_u21_switch_without_reload(page: Page) -> None:
    """A switch of language rewrites the page, keeps the question, the answer and the source, and sets <html lang>."""
    turn = ask(page, CITED["zh-Hans"])
    turn.locator(".chip").first.click()
    expect(page.locator("mark.cited").first).to_be_visible()
    page.fill("#question", "a half-written question")
    page.evaluate("window.same = true")
    quote = turn.locator(".quote").first.text_content()
    for tag, send in (("zh-Hant", "提問"), ("zh-Hans", "提问"), ("en", "Ask")):
        page.select_option("#language", tag)
        assert page.evaluate("document.documentElement.lang") == tag
        expect(page.locator("#send")).to_have_text(send)
        shown = page.locator("body").inner_text()
        assert not re.search(r"\b(chat|cite|source|answer|why|composer|scope)\.[a-z]+\b", shown)
        assert page.input_value("#question") == "a half-written question"
        assert turn.locator(".quote").first.text_content() == quote
        expect(page.locator("mark.cited").first).to_be_visible()
    assert page.evaluate("window.same") is True
    page.select_option("#language", "zh-Hant")
    words = [one for one in page.locator("button:visible, summary:visible").all_text_contents() if one.strip()]
    assert [one for one in words if re.fullmatch(r"[A-Za-z ]{4,}", one)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_u21_first_language_is_the_browsers(site: Site, open_page: OpenPage, language: str) -> None:
    """Without a choice the page speaks the browser's language."""
    locale = {"zh-Hant": "zh-HK", "zh-Hans": "zh-CN", "en": "en-GB"}[language]
    page = open_page(site, "", locale=locale)
    page.wait_for_function("tag => document.documentElement.lang === tag", arg=language)


def test_u22_answer_in_the_questions_language(page: Page, site: Site) -> None:
    """The answer has the question's language and script; every quote keeps its own, and says so to the browser."""
    questions = {
        "en": ["What share of tokens is programming?", "What is agentic inference?", "Which countries adopt AI most?"],
        "zh-Hans": ["编程占多少词元？", "什么是智能体推理？", "权重开放模型占多少？"],
        "zh-Hant": ["什麼是玻璃鞋效應？", "香港有多少企業使用 AI？", "權重開放模型占多少？"],
    }
    wrong: list[Any] = []
    quoted = set()
    for language, asked in questions.items():
        for question in asked:
            turn = ask(page, question)
            prose = turn.locator(".answer-text")
            # What is quoted from another language within an answer names its own; the rest is the answer's.
            own = prose.evaluate("""prose => {
              const copy = prose.cloneNode(true);
              for (const one of copy.querySelectorAll('[lang]')) one.remove();
              return copy.textContent;
            }""")
            if prose.get_attribute("lang") != language or (detect_script(own) or language) != language:
                wrong.append((question, prose.get_attribute("lang"), own))
            for quote in turn.locator(".quote").all():
                tag, text = quote.get_attribute("lang"), quote.text_content() or ""
                quoted.add(tag)
                if detect_script(text) not in (None, tag) and tag != "en":
                    wrong.append((question, tag, text))
    assert wrong == []
    assert quoted == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_u22_thirty_questions(site: Site, language: str) -> None:
    """Of 30 questions in a language at least 95 % are answered in it, in its script, whatever the documents are written in."""
    lines = (ROOT / "eval" / "sets" / "dev.jsonl").read_text().splitlines()
    asked = [case["question"] for case in map(json.loads, lines) if case["language"] == language and not case["history"]][:30]
    assert len(asked) == 30
    wrong = []
    for question in asked:
        answer = site.answer(question)
        script = detect_script(answer["answer"]) if language != "en" else None
        if answer["language"] != language or script not in (None, language):
            wrong.append((question, answer["language"], answer["answer"]))
    assert len(wrong) <= 1, wrong


def test_u22_taiwans_own_spelling_is_traditional(page: Page) -> None:
    """A question whose only telling word is 台灣 is answered in Traditional characters."""
    turn = ask(page, "台灣的 AI 普及率是多少？")
    assert turn.locator(".answer-text").get_attribute("lang") == "zh-Hant"


@pytest.mark.parametrize("language", ["zh-Hant", "zh-Hans"])
def test_u22_a_question_in_neither_script_is_answered_in_the_pages(site: Site, open_page: OpenPage, language: str) -> None:
    """Where the question's characters are the same in both scripts, the language of the page decides; a switch of it does too."""
    question = "OpenRouter 占比最大的是哪一家？"
    assert detect_script(question) is None
    page = open_page(site, language, locale="en-US")
    ask(page, question)
    spoken = "document.querySelector('wj-turn:last-child').turn.answer.language"
    assert page.evaluate(spoken) == language
    other = "zh-Hans" if language == "zh-Hant" else "zh-Hant"
    page.goto("/#/")
    page.select_option("#language", other)
    ask(page, question)
    assert page.evaluate(spoken) == other


def test_u23_search_is_blind_to_script(site: Site) -> None:
    """A question in the other script and the other region's words finds at least 90 % of what its twin finds."""
    to_hans = OpenCC("t2s")
    found = [0, 0]
    for *twins, about in PAIRS:
        for side, query in enumerate(twins):
            hits = site.call("/v1/search", {"query": query, "top_k": 10})["data"]
            count = sum(bool(re.search(about, to_hans.convert(hit["text"]).lower())) for hit in hits)
            assert count, query
            found[side] += count
    assert min(found) >= 0.9 * max(found), found
