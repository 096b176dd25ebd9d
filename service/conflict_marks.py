"""The words around a figure that tell how exact it is and of what: about, at least, a forecast, an average, women, per day."""

from __future__ import annotations

import re

__all__ = [
    "AT_LEAST",
    "AT_MOST",
    "CLAUSE",
    "GROUPS",
    "JOINING",
    "MODES",
    "RANGE",
    "ROUGH",
    "ROUGH_AFTER",
]

CLAUSE = re.compile(r"[，；;。！？]|,\s(?!\d)|\b(?:while|whereas|compared with|but)\b|而|相比之下|\|")
ROUGH = re.compile(
    r"(?:大约|约|大概|将近|近|接近|差不多|逾|多达|about|around|roughly|nearly|almost|approximately|some|circa|~)\s*(?:为|是|有|占|达)?\s*$"
)
ROUGH_AFTER = re.compile(r"\s*(?:左右|上下|多|余|or so)")
AT_LEAST = re.compile(r"(?:超过|超|高于|多于|不止|至少|逾|突破|more than|over|above|at least|exceed(?:s|ed)?|upwards of)\s*(?:了)?\s*$")
AT_MOST = re.compile(r"(?:不到|不足|低于|少于|未达|至多|最多|less than|under|below|fewer than|at most|up to)\s*$")
RANGE = re.compile(r"\d\s?%?\s?(?:-|~|至|到|to)\s?\d|between\b|介于|之间")
# What must be said of both or of neither.
MODES = (
    re.compile(
        r"预计|预测|预期|将(?:会|达|增|超|在)|有望|目标|计划|可能|估计到|forecast|expect|predict|project(?:s|ed)\b|target|will\b|plan|could|goal"
    ),
    re.compile(
        r"增加|增长|成长|上升|提高|下降|减少|下跌|降低|升幅|降幅|跌幅|涨幅|增幅|变化|grew|grow|rose|rise|increas|decreas|fell|fall|declin|drop"
    ),
    re.compile(r"平均|均值|average|mean\b"),
    re.compile(r"中位|median"),
    re.compile(r"最高|峰值|巅峰|peak|maximum|highest|record"),
    re.compile(r"最低|minimum|lowest"),
    re.compile(r"累计|累积|总共|合计|cumulative|in total|since\b"),
    re.compile(r"每月|每周|每天|每日|每年|月均|日均|monthly|weekly|daily|per (?:day|week|month|year)|annual|a (?:day|week|month|year)\b"),
    re.compile(r"不是|并非|没有|误传|错误|更正|\bnot\b|incorrect|wrong|corrected|formerly|previously|原先|先前|以前|过去|旧版"),
    re.compile(r"如果|假如|假设|例如|比如|\bif\b|suppose|for example|e\.g\."),
)
# Of whom a figure is; said of both or of neither.
GROUPS = tuple(
    re.compile(pattern)
    for pattern in (
        r"女|women|woman|female|girls",
        r"男|(?<!wo)\bm[ae]n\b|(?<!fe)male|boys",
        r"青年|年轻|青少年|\byoung|\bteen|youth",
        r"学生|student|pupil",
        r"老师|教师|teacher",
        r"老人|长者|高龄|elderly|older|senior",
        r"未成年|儿童|孩子|child|kids",
        r"员工|受雇|劳工|worker|employee",
        r"企业|公司用户|enterprise|business|firms",
        r"中小|小型|\bsmall",
        r"大型|\blarge",
        r"付费|付款|订阅|\bpaid|paying|subscriber",
        r"免费|\bfree\b",
        r"农村|乡村|rural",
        r"城市|城镇|都市|urban|\bcit(?:y|ies)",
        r"岁|\baged?\b",
        r"其中|\bamong|\bof them|\bof these",
        r"部分|一些|\bsome of|\bpart of",
        r"新用户|新使用者|new users",
    )
)
# Verbs that only join a subject to its figure.
JOINING = frozenset(
    "account accounts accounted make makes made up reach reaches reached hold holds held represent represents represented stand stands"
    " stood come comes came take takes took have has had get gets got total totals totalled amount amounts"
    " 占 占了 达 达到 约占 为 拥有 持有 共有 来到"
    " 大约 总共 大概".split()
)
