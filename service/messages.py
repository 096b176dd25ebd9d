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
    "lead_en": {"zh-Hant": "英文資料寫道：", "zh-Hans": "英文资料写道：", "en": ""},
    "lead_zh": {"zh-Hant": "", "zh-Hans": "", "en": "A Chinese source says: "},
    "conflict": {
        "zh-Hant": "各來源的數字不一致：",
        "zh-Hans": "各来源的数字不一致：",
        "en": "The sources disagree: ",
    },
    "join": {"zh-Hant": "、", "zh-Hans": "、", "en": ", "},
}


def say(key: str, language: Language, **slots: str) -> str:
    """Return a message, its slots filled by plain replacement (document text may hold braces)."""
    text = MESSAGES[key][language]
    for name, value in slots.items():
        text = text.replace("{" + name + "}", value)
    return text
