"""Follow-up questions made to stand alone, in three scripts: each question contains what it must and not what was replaced."""

from __future__ import annotations

import pytest

from ingest.kb.analyse import Analyser
from ingest.kb.lexicon import load_lexicon
from service.followup import readings, standalone
from service.records import Turn

ZH = "第一名是 DeepSeek。"
EN = "DeepSeek leads."

# (last question, follow-up, parts it must have, parts it must not have; both lists separated by "|")
REPLACED = [
    ("DeepSeek 的詞元用量是多少？", "那 Qwen 呢？", "Qwen|詞元用量", "DeepSeek"),
    ("DeepSeek 的词元用量是多少？", "Qwen 呢", "Qwen|词元用量", "DeepSeek"),
    ("DeepSeek 的詞元用量是多少？", "換成 Qwen", "Qwen|詞元用量", "DeepSeek|換成"),
    ("DeepSeek 的詞元用量是多少？", "那換成 Qwen 呢？", "Qwen|詞元用量", "DeepSeek|換成"),
    ("DeepSeek 的词元用量是多少？", "换成 Qwen 的话呢？", "Qwen|词元用量", "DeepSeek|换成|的话"),
    ("How many tokens did DeepSeek have?", "What about Qwen?", "Qwen|tokens", "DeepSeek"),
    ("How many tokens did DeepSeek have?", "and Qwen?", "Qwen|tokens", "DeepSeek"),
    ("How many tokens did DeepSeek have?", "Qwen?", "Qwen|tokens", "DeepSeek"),
    ("How many tokens did DeepSeek have?", "Same for Qwen?", "Qwen|tokens", "DeepSeek|Same"),
    ("歐洲占 OpenRouter 用量多少？", "亞洲呢？", "亞洲|OpenRouter 用量", "歐洲"),
    ("欧洲占 OpenRouter 用量多少？", "那亚洲又是多少？", "亚洲|OpenRouter 用量", "欧洲"),
    ("What share of OpenRouter use came from Europe?", "and in Asia?", "Asia|OpenRouter", "Europe|in Asia"),
    (
        "What was generative AI adoption in Singapore in the second half of 2025?",
        "What about South Korea?",
        "South Korea|2025",
        "Singapore",
    ),
    ("全球 AI 投資在 2024 年是多少？", "美國呢？", "美國|AI 投資|2024 年", "全球"),
    ("全球 AI 投资在 2024 年是多少？", "美国呢？", "美国|AI 投资|2024 年", "全球"),
    ("微軟估計 DeepSeek 在俄羅斯的市占率是多少？", "那古巴又會是多少？", "微軟|DeepSeek|古巴|市占率", "俄羅斯"),
    ("微软估计 DeepSeek 在俄罗斯的市场份额是多少？", "那古巴呢？", "微软|DeepSeek|古巴|市场份额", "俄罗斯"),
    ("What share of the Russian market does Microsoft estimate for DeepSeek?", "And in Cuba?", "Cuba|Microsoft|DeepSeek", "Russian"),
    ("微軟估計 DeepSeek 在俄羅斯的市占率是多少？", "那 Qwen 呢？", "微軟|Qwen|俄羅斯", "DeepSeek"),
    ("What share of the Russian market does Microsoft estimate for DeepSeek?", "And Qwen?", "Russian|Microsoft|Qwen", "DeepSeek"),
    ("DeepSeek 2024 年的詞元用量是多少？", "2023 年呢？", "DeepSeek|2023 年|詞元用量", "2024"),
    ("DeepSeek 2024 年的词元用量是多少？", "那 2023 年呢？", "DeepSeek|2023 年|词元用量", "2024"),
    ("What was the share of Asia in 2024?", "How about in 2025?", "2025|Asia", "2024"),
    ("How many tokens did DeepSeek serve in 2024?", "In 2023?", "2023|DeepSeek", "2024"),
    ("DeepSeek 2024 年的詞元用量是多少？", "那 2023 年的份額是多少？", "DeepSeek|2023 年|份額", "2024|詞元"),
    ("DeepSeek 2024 年的詞元用量是多少？", "那歐洲 2023 年呢？", "DeepSeek|2023 年|歐洲|詞元用量", "2024"),
    ("How many people in China used generative AI in June 2025?", "And in December 2024?", "China|December 2024", "June|2025"),
    ("What share of users are 19 or younger?", "And those aged 20 to 29?", "share of users|20 to 29", "19|those"),
    ("有多少用户首选豆包？", "首选 DeepSeek 的呢？", "多少用户首选 DeepSeek", "豆包"),
    ("What share of users put Doubao first?", "And what share puts DeepSeek first?", "DeepSeek first", "Doubao"),
    ("DeepSeek 的詞元用量是多少？", "那價格呢？", "DeepSeek|價格", "詞元"),
    ("DeepSeek 的词元用量是多少？", "价格呢？", "DeepSeek|价格", "词元"),
    ("How many tokens did DeepSeek have?", "And the price?", "DeepSeek|price", "tokens"),
    ("ChatGPT 的訊息裡，寫作占多少？", "那寫程式呢？", "ChatGPT|訊息|寫程式", "寫作"),
    ("ChatGPT 的消息里，写作占多少？", "那编程呢？", "ChatGPT|编程", "写作"),
    ("What share of ChatGPT messages is about writing?", "What about programming?", "share of ChatGPT messages|programming", "writing"),
    ("2024 年底，中美模型在 MMLU 上差幾個百分點？", "那換成 MATH 呢？", "2024 年底|中美模型|MATH", "MMLU|換成"),
    ("2024 年底，中美模型在 MMLU 上差多少个百分点？", "那换成 MATH 呢？", "2024 年底|中美模型|MATH", "MMLU|换成"),
    ("How many points separated US and Chinese models on MMLU?", "And on MATH?", "points separated US and Chinese|MATH", "MMLU"),
    ("訓練一次 GPT-3 估計排放多少二氧化碳？", "那 GPT-4 會是多少？", "訓練一次|GPT-4|二氧化碳", "GPT-3"),
    ("训练一次 GPT-3 估计排放多少二氧化碳？", "GPT-4 又是多少？", "训练一次|GPT-4|二氧化碳", "GPT-3"),
    ("How much carbon dioxide did training GPT-3 emit?", "And GPT-4?", "carbon dioxide|GPT-4", "GPT-3"),
    ("GPT-4o 的訓練成本是多少？", "那 GPT-4o Mini 呢？", "GPT-4o Mini|訓練成本", "Mini Mini"),
    ("Gemini 2.5 Pro 的奠基世代是哪個月？", "GPT-4o Mini 的奠基世代呢？是哪個月？", "GPT-4o Mini|奠基世代|哪個月", "Gemini"),
    ("按 Claude 自己的判断，Claude.ai 上的任务有多少是成功的？", "通过 API 的任务呢？", "按 Claude 自己|通过 API 的任务|成功", "Claude.ai"),
    ("開放權重模型占多少？", "那封閉模型呢？", "封閉模型|占多少", "開放"),
    ("What share goes to open models?", "And closed models?", "share goes to closed models", "open models"),
    ("中國的使用者過去半年有多少人用過豆包？", "那騰訊元寶呢？", "中國|過去半年|騰訊元寶", "豆包"),
    ("DeepSeek 2024 年的詞元用量是多少？", "這個數字在 2023 年是多少？", "DeepSeek|2023 年|詞元用量", "2024|這個數字"),
    ("美国 2024 年的 AI 采用率是多少？", "这个比例在 2025 年呢？", "美国|2025 年|采用率", "2024|这个比例"),
]

FILLED = [
    ("What is DeepSeek?", "How large is its share?", "DeepSeek's share", "its"),
    ("What is DeepSeek?", "Where is that company?", "DeepSeek", "that company"),
    ("DeepSeek 是什麼？", "它的份額是多少？", "DeepSeek 的份額", "它"),
    ("DeepSeek 是什么？", "该公司的份额是多少？", "DeepSeek 的份额", "该公司"),
    ("DeepSeek 是什么？", "那它的份额有多大？", "DeepSeek 的份额", "它|那"),
    ("DeepSeek 的總部在哪？", "其市占率是多少？", "DeepSeek 的市占率", "其"),
    ("哪家公司的詞元最多？", "它的份額是多少？", "DeepSeek|份額", "它"),
    ("哪家公司的词元最多？", "它的份额是多少？", "DeepSeek|份额", "它"),
    ("Which company serves the most tokens?", "What is its share?", "DeepSeek's share", "its"),
    ("智慧體是什麼？", "它有什麼風險？", "智慧體|風險", "它|DeepSeek"),
    ("What is an AI agent?", "What risks do they have?", "AI agent|risks", "they"),
    ("How many AI incidents were reported in 2025?", "Why did they rise?", "Why|incidents|rise", "they"),
    ("DeepSeek 和 Qwen 哪個比較大？", "前者的份額是多少？", "DeepSeek|份額", "Qwen|前者"),
    ("DeepSeek 和 Qwen 哪个比较大？", "后者的份额是多少？", "Qwen|份额", "DeepSeek|后者"),
    ("Which is larger, DeepSeek or Qwen?", "What is the share of the latter?", "share of Qwen", "latter"),
    ("台灣的 AI 採用率是多少？", "那裡的排名是第幾？", "台灣|排名", "那裡"),
    ("全球 AI 投資在 2024 年是多少？", "當年中國的投資是多少？", "2024 年|中國", "當年"),
    ("How much was invested in 2024?", "What did China invest that year?", "China|2024", "that year"),
]

BARE = [
    ("DeepSeek 2024 年的詞元用量是多少？", "為什麼？", "為什麼|DeepSeek|2024 年|詞元用量", "多少"),
    ("DeepSeek 2024 年的词元用量是多少？", "为什么会这样？", "为什么|DeepSeek|词元用量", "多少"),
    ("DeepSeek 2024 年的詞元用量是多少？", "是從什麼時候開始的？", "什麼時候|DeepSeek|詞元用量", "多少"),
    ("What share of OpenRouter use came from Europe?", "why?", "Why|OpenRouter|Europe", "What share"),
    ("What share of OpenRouter use came from Europe?", "Why is that?", "Why|OpenRouter|Europe", "What share"),
    ("What share of OpenRouter use came from Europe?", "Since when?", "Since when|OpenRouter|Europe", "What share"),
    ("Which models are open-weight?", "How many of them?", "How many models are open-weight", "Which|them"),
]

OTHER_LANGUAGE = [
    ("What share of OpenRouter use came from Europe?", "亞洲呢？", "Asia|OpenRouter", "Europe|亞洲"),
    ("歐洲占 OpenRouter 用量多少？", "What about Asia?", "亞洲|OpenRouter", "歐洲|Asia"),
    ("DeepSeek 2024 年的詞元用量是多少？", "What about Qwen?", "Qwen|詞元", "DeepSeek"),
    ("歐洲占 OpenRouter 用量多少？", "那亚洲呢？", "亚洲|OpenRouter", "欧洲|歐洲|亞洲"),
    ("欧洲占 OpenRouter 用量多少？", "那亞洲呢？", "亞洲|OpenRouter", "欧洲|歐洲|亚洲"),
    ("南韓的採用率是多少？", "How does it rank?", "South Korea|rank", "it"),
    ("How high is adoption in South Korea?", "那裡的排名是第幾？", "韓國|排名", "那裡|Korea"),
]

ALONE = [
    "What is the walnut harvest of Oregon?",
    "全球的支出是多少？",
    "台灣的 AI 發展如何？",
    "其他國家的法規是什麼？",
    "其中最大的模型是哪一個？",
    "What does IT spending look like?",
    "DeepSeek 和它的模型有什麼關係？",
    "How did OpenAI change its prices?",
    "Mistral 的總部在哪個城市？",
    "",
]


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return Analyser(load_lexicon())


def _after(before: str, text: str, analyser: Analyser) -> str:
    answer = EN if before.isascii() else ZH
    return standalone(text, [Turn("user", before), Turn("assistant", answer)], analyser)


@pytest.mark.parametrize(("before", "text", "parts", "gone"), [*REPLACED, *FILLED, *BARE, *OTHER_LANGUAGE])
def test_what_is_left_out_is_filled_from_the_last_question(analyser: Analyser, before: str, text: str, parts: str, gone: str) -> None:
    question = _after(before, text, analyser)
    words = question.replace("?", " ").split() if question.isascii() else [question]
    assert all(part in question for part in parts.split("|")), question
    # A pronoun of two letters stands inside other words too.
    assert not any(part in (words if part.isascii() and len(part) < 5 else question) for part in gone.split("|")), question


@pytest.mark.parametrize("text", ALONE)
def test_what_stands_alone_is_left_alone(analyser: Analyser, text: str) -> None:
    assert _after("DeepSeek 的詞元用量是多少？", text, analyser) == text
    assert _after("How many tokens did DeepSeek serve in 2024?", text, analyser) == text


@pytest.mark.parametrize("text", ["那 Qwen 呢？", "What about it?"])
def test_without_a_question_before_nothing_is_filled(analyser: Analyser, text: str) -> None:
    assert standalone(text, [], analyser) == text
    assert standalone(text, [Turn("assistant", "DeepSeek leads.")], analyser) == text


@pytest.mark.parametrize(
    ("asked", "text", "parts", "gone"),
    [
        (("How many tokens did DeepSeek have?", "What about Qwen?"), "And Mistral?", "Mistral|tokens", "Qwen|DeepSeek"),
        (("DeepSeek 2024 年的詞元用量是多少？", "那 Qwen 呢？"), "2023 年呢？", "Qwen|2023 年|詞元用量", "DeepSeek|2024"),
        (("DeepSeek 2024 年的词元用量是多少？", "2023 年呢？", "那 Qwen 呢？"), "它的份额是多少？", "Qwen|份额", "DeepSeek"),
        (("DeepSeek 的詞元用量是多少？", "台灣的 AI 採用率是多少？"), "那日本呢？", "日本|採用率", "DeepSeek|台灣"),
        (("What was adoption in Taiwan in 2025?", "And in Japan?", "And in 2024?"), "why?", "Why|Japan|2024", "Taiwan|2025"),
    ],
)
def test_a_chain_of_follow_ups(analyser: Analyser, asked: tuple[str, ...], text: str, parts: str, gone: str) -> None:
    history = [turn for question in asked for turn in (Turn("user", question), Turn("assistant", "No matter."))]
    question = standalone(text, history, analyser)
    assert all(part in question for part in parts.split("|")), question
    assert not any(part in question for part in gone.split("|")), question


def test_a_long_history_is_no_deep_recursion(analyser: Analyser) -> None:
    history = [Turn("user", "What about Qwen?")] * 400
    assert standalone("And Mistral?", history, analyser)


@pytest.mark.parametrize(
    ("before", "text", "wanted"),
    [
        ("LiteLLM 是不是出過資安事件？", "後來是到哪一版才修好的？", "LiteLLM、資安事件：後來是到哪一版才修好的？"),
        (
            "How was extended thinking configured in earlier Claude models?",
            "What replaced that in the 4.6 generation?",
            "Claude: What replaced",
        ),
        ("微软是怎么鼓励内部创业的？", "谷歌那边是什么做法？", "谷歌是怎么鼓励内部创业的？"),
    ],
)
def test_what_shows_no_sign_of_leaning_is_read_both_ways(analyser: Analyser, before: str, text: str, wanted: str) -> None:
    found = readings(text, [Turn("user", before), Turn("assistant", "No matter.")], analyser)
    assert found[0] == text
    assert any(reading.startswith(wanted) for reading in found[1:]), found


@pytest.mark.parametrize("text", ["How many tokens did Mistral serve in 2024?", "台積電的晶圓廠在哪裡？", "那 Qwen 呢？"])
def test_a_question_with_a_name_of_its_own_is_not_put_behind_another(analyser: Analyser, text: str) -> None:
    found = readings(text, [Turn("user", "DeepSeek 的詞元用量是多少？"), Turn("assistant", ZH)], analyser)
    assert not any(text in reading for reading in found[1:])
    assert readings(text, [], analyser) == [text]
