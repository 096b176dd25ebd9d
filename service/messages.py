"""The sentences that Wenju says of itself, in the asker's language."""

from __future__ import annotations

from ingest.kb import Language

__all__ = ["MESSAGES", "say"]

MESSAGES: dict[str, dict[Language, str]] = {
    "no_evidence": {
        "zh-Hant": "語料庫裡沒有與這個問題相關的內容，因此不作答。",
        "zh-Hans": "语料库里没有与这个问题相关的内容，因此不作答。",
        "en": "The corpus holds nothing on this question, so there is no answer.",
    },
    "low_confidence": {
        "zh-Hant": "語料庫沒有說明這一點，因此不作答；以下是最接近的段落。",
        "zh-Hans": "语料库没有说明这一点，因此不作答；以下是最接近的段落。",
        "en": "The corpus does not say, so there is no answer; the nearest passages are below.",
    },
    "missing": {
        "zh-Hant": "語料庫沒有說明「{parts}」，因此不作答；以下是最接近的段落。",
        "zh-Hans": "语料库没有说明“{parts}”，因此不作答；以下是最接近的段落。",
        "en": "The corpus does not speak of “{parts}” here, so there is no answer; the nearest passages are below.",
    },
    "empty_corpus": {
        "zh-Hant": "語料庫還沒有文件，請先匯入。",
        "zh-Hans": "语料库还没有文档，请先导入。",
        "en": "The corpus is empty: ingest some documents first.",
    },
    "greeting": {
        "zh-Hant": "這裡依文件作答：請問文件裡的數字、日期、名稱、原因或比較，繁體、簡體、英文都可以。",
        "zh-Hans": "这里依文档作答：请问文档里的数字、日期、名称、原因或比较，繁体、简体、英文都可以。",
        "en": "Answers here come from the documents: ask for a figure, a date, a name, a reason or a comparison, in Chinese or English.",
    },
    "library": {
        "zh-Hant": "這裡有 {count} 份文件，例如{titles}；文件庫裡有全部清單。",
        "zh-Hans": "这里有 {count} 份文档，例如{titles}；文档库里有全部清单。",
        "en": "There are {count} documents here, such as {titles}; the library lists them all.",
    },
    "lead_en": {"zh-Hant": "英文資料寫道：", "zh-Hans": "英文资料写道：", "en": ""},
    "lead_zh": {"zh-Hant": "", "zh-Hans": "", "en": "A Chinese source says: "},
    "conflict": {
        "zh-Hant": "各來源的說法不一致：",
        "zh-Hans": "各来源的说法不一致：",
        "en": "The sources disagree: ",
    },
    "fallback": {
        "zh-Hant": "語言模型目前無法使用，以下為來源原句。",
        "zh-Hans": "语言模型目前无法使用，以下为来源原句。",
        "en": "The language model is not available; these are the sources' own sentences.",
    },
    "unsupported": {
        "zh-Hant": "語言模型的說法得不到來源支持，已不顯示；以下為來源原句。",
        "zh-Hans": "语言模型的说法得不到来源支持，已不显示；以下为来源原句。",
        "en": "What the language model wrote is not supported by the sources and is not shown; these are the sources' own sentences.",
    },
    "interrupted": {
        "zh-Hant": "語言模型中途中斷，答案可能不完整。",
        "zh-Hans": "语言模型中途中断，答案可能不完整。",
        "en": "The language model broke off; the answer may be incomplete.",
    },
    "declined": {
        "zh-Hant": "語言模型認為這些段落沒有回答這個問題。",
        "zh-Hans": "语言模型认为这些段落没有回答这个问题。",
        "en": "The language model finds that these passages do not answer the question.",
    },
    "join": {"zh-Hant": "、", "zh-Hans": "、", "en": ", "},
}


def say(key: str, language: Language, **slots: str) -> str:
    """Return a message, its slots filled by plain replacement (document text may hold braces)."""
    text = MESSAGES[key][language]
    for name, value in slots.items():
        text = text.replace("{" + name + "}", value)
    return text
