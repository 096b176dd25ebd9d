"""Phrases that OpenCC's conversion by phrase takes for computing terms, although reports mostly mean something else by them.

``s2twp`` and ``tw2sp`` come from a dictionary of software terms: 發布 becomes 釋出, 參數 becomes 引數, 指標 becomes 指针 (a pointer), 核心
becomes 内核 (a kernel). These keep their words and change their characters only.
"""

from __future__ import annotations

import re

__all__ = ["KEPT"]

_SIMPLIFIED = (
    "参数 项目 对象 文件(?!夹) 进程 支持 循环 全局 导入 优化 扩展 发布 设备 权限 程序(?:正义|性|法|公正)",
    "(?:法律|司法|行政|立法|审批|诉讼|仲裁|监管|工作)程序",
)
_TRADITIONAL = (
    "指標 序列(?![化埠]) 核心 簡報(?!軟體|檔) 文件(?!夾|系統) 啟用 儲存 複製 離線 向量 批次 整合 執行(?!緒|檔|期) 許可",
    "程序(?:正義|性|法|公正) (?:法律|司法|行政|立法|審批|訴訟|仲裁|監管|工作)程序",
)


def _any_of(lines: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(" ".join(lines).split()))


# Configuration of OpenCC by phrase → what its phrases leave alone, the configuration that converts those, and its own exceptions.
KEPT: dict[str, tuple[re.Pattern[str], str, dict[str, str]]] = {
    "s2twp": (_any_of(_SIMPLIFIED), "s2tw", {"發佈": "發布"}),
    "tw2sp": (_any_of(_TRADITIONAL), "tw2s", {}),
}
