"""What asks nothing of the documents is told from questions, in three scripts."""

from __future__ import annotations

import pytest
from service_kit import Library

from ingest.kb import KnowledgeBase
from service.answering import answer_now
from service.instructions import plain_question
from service.smalltalk import small_talk

pytest_plugins = ("service_kit",)

GREETINGS = (
    "你好|您好！|謝謝|谢谢你。|早安|你是誰？|你叫什么名字|你能做什麼？|請問你是誰"
    "|Hello|hi there!|Thanks a lot!|Thank you|Who are you?|OK|ＨＥＬＬＯ"
)
LIBRARY = (
    "你們有哪些文件？|这里有多少份报告？|知識庫裡有什麼資料|What documents do you have?|How many reports are there?|list all the documents"
)
QUESTIONS = (
    "你好嗎這三個字出自哪裡？|歐盟有哪些文件規範人工智慧？|謝謝你的英文是什麼|Hello Kitty 的市值是多少？|What can you do with GPT-4?"
    "|Who are you quoting on page 3?|What documents does the EU require?|測試集有多大？|台灣有多少份報告提到台積電？"
    "|How many reports are there on chips?"
)


@pytest.mark.parametrize("text", GREETINGS.split("|"))
def test_greetings(text: str) -> None:
    assert small_talk(text) == "greeting"


@pytest.mark.parametrize("text", LIBRARY.split("|"))
def test_questions_about_the_library(text: str) -> None:
    assert small_talk(text) == "library"


@pytest.mark.parametrize("text", QUESTIONS.split("|"))
def test_questions_are_questions(text: str) -> None:
    assert small_talk(text) == ""


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Hello, what share is open?", "what share is open?"),
        ("請問台灣有多少？", "請問台灣有多少？"),
        ("你好！請問，占比多少？", "請問，占比多少？"),
    ],
)
def test_a_greeting_before_a_question_is_left_out(text: str, rest: str) -> None:
    assert plain_question(text) == rest


def test_small_talk_is_answered_in_the_askers_script_and_cites_nothing(library: Library) -> None:
    kb = KnowledgeBase(library.settings())
    for text, part in (
        ("你好！", "繁体"),
        ("謝謝", "繁體"),
        ("Thanks!", "from the documents"),
        ("你們有哪些文件？", "6 份文件"),
        ("list all documents", "6 doc"),
    ):
        answer = answer_now(kb, text)
        assert (answer.status, answer.citations) == ("refused", [])
        assert answer.refusal is not None
        assert answer.refusal.code == "no_evidence"
        assert part in answer.answer
    kb.close()
