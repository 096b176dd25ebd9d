"""What is said to Wenju that no document answers: greetings, thanks, who it is, what it holds."""

from __future__ import annotations

import re
from typing import Literal

from ingest.kb import fold, to_script

__all__ = ["small_talk"]

_GREETING = re.compile(
    r"(?:(?:你|您|大家)好|嗨|哈[喽啰罗]|早(?:上好|安)?|午安|晚上?好|晚安|在吗|再见|拜拜"
    r"|(?:多|感)?谢(?:谢)?(?:你|您|啦|了)?|辛苦了|好的?|收到|明白了?|知道了"
    r"|(?:请问)?(?:你|您)是(?:谁|什么(?:模型|东西)?)|(?:你|您)叫什么(?:名字)?|(?:你|您)(?:能|会|可以)(?:做|干)(?:什么|些什么|啥)"
    r"|(?:怎么|如何)(?:用|使用)(?:你|这个)?|帮助|测试"
    r"|hi|hello|hey|yo|good (?:morning|afternoon|evening|night)|(?:many )?thanks?(?: you| a lot| so much)*|thx|cheers|bye|goodbye|see you"
    r"|ok(?:ay)?|who are you|what are you|what(?:'s| is) your name|what can you do|how do (?:i|you) (?:use this|work)"
    r"|help(?: me)?|test(?:ing)?"
    r")(?:\s*(?:there|wenju|问据|呀|啊|哦|喔|吗|呢|everyone|all))*"
)
_LIBRARY = re.compile(
    r"(?:请问)?(?:你们?|您|这里|这边|此处|语料库|知识库|资料库|数据库|文件库|文库|系统)?(?:里面?|中)?(?:一共|总共|目前|现在|都)*"
    r"(?:有|收录了?|收了|装了|放了)(?:哪些|什么|多少|几)(?:份|篇|个|种|本)?(?:文件|文档|报告|资料|数据|内容|来源)"
    r"|(?:有)?哪些(?:文件|文档|报告|资料)(?:可以(?:问|查))?"
    r"|(?:what|which|how many) (?:documents|reports|files|sources|papers)"
    r" (?:do you have|have you(?: got)?|can i ask(?: you)? about"
    r"|are (?:there|available|in (?:here|the|this|your) ?(?:corpus|library|knowledge base)?))"
    r"|what(?:'s| is) in (?:the|this|your) (?:corpus|library|knowledge base)"
    r"|list (?:all )?(?:the |your )?(?:documents|reports|files|sources)"
)
_EDGE = re.compile(r"^[\s,，。.!！?？~～…、]+|[\s,，。.!！?？~～…、]+$")


def small_talk(text: str) -> Literal["greeting", "library", ""]:
    """Return what kind of small talk a text is, empty if it is none: a greeting with a question behind it is a question."""
    said = _EDGE.sub("", fold(to_script(text[:80], "zh-Hans")).lower())
    if len(text) > 80 or not said:
        return ""
    if _GREETING.fullmatch(said):
        return "greeting"
    return "library" if _LIBRARY.fullmatch(re.sub(r"(?:呢|吗|啊|呀)$", "", said)) else ""
