"""Front matter: YAML between ``---`` or TOML between ``+++`` at the head of a file; scalars and lists of scalars only."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from typing import Any

__all__ = ["MAX_BYTES", "facts", "split_front_matter"]

MAX_BYTES = 8_192
_MAX_DEPTH = 20
_DATES = ("date", "published", "pubdate", "lastmod")
_TOML_DATE = re.compile(r"^([ \t]*[\w-]+[ \t]*=[ \t]*)(\d{4}-\d[\w:.+-]*)[ \t]*$", re.MULTILINE)
_LANGUAGES = (("zh-hant", "zh-Hant"), ("zh-tw", "zh-Hant"), ("zh-hk", "zh-Hant"), ("zh-mo", "zh-Hant"), ("zh-hans", "zh-Hans"))
_MORE_LANGUAGES = (("zh-cn", "zh-Hans"), ("zh-sg", "zh-Hans"), ("en", "en"))


def split_front_matter(text: str) -> tuple[dict[str, Any], int, str]:
    """Return the front matter's entries, where the body begins, and a warning (empty if all is well).

    Front matter over ``MAX_BYTES``, with anchors, aliases or tags, or that does not parse is left out with a warning: the body is read
    all the same.
    """
    match = re.match(r"(---|\+\+\+)[ \t]*\n", text)
    if not match:
        return {}, 0, ""
    fence = match.group(1)
    end = re.compile(rf"^(?:{re.escape(fence)}|\.\.\.)[ \t]*$\n?" if fence == "---" else r"^\+\+\+[ \t]*$\n?", re.MULTILINE).search(
        text, match.end()
    )
    if end is None:
        return {}, 0, ""
    raw = text[match.end() : end.start()]
    if fence == "---" and not re.search(r"^\s*[\w.-]+\s*:", raw, re.MULTILINE):
        return {}, 0, ""
    if len(raw.encode("utf-8", "replace")) > MAX_BYTES:
        return {}, end.end(), f"front matter of more than {MAX_BYTES} bytes was not read"
    try:
        entries = _yaml(raw) if fence == "---" else _toml(raw)
    except Exception as error:
        return {}, end.end(), f"front matter was not read: {str(error).splitlines()[0][:160]}"
    plain = {str(key): value for key, value in entries.items() if _plain(value)}
    return plain, end.end(), _odd_date(plain)


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(not isinstance(item, (list, dict)) for item in value)
    return not isinstance(value, dict)


def _yaml(raw: str) -> dict[str, Any]:
    import yaml

    # Aliases make bombs, tags make objects: neither has a place in front matter. Seen in the tokens, before anything is built.
    depth = 0
    for token in yaml.scan(raw, Loader=yaml.SafeLoader):
        depth += isinstance(token, (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken))
        depth -= isinstance(token, (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken))
        if depth > _MAX_DEPTH:
            raise ValueError("lists and tables are nested too deeply")
        if isinstance(token, (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken)):
            raise ValueError("anchors, aliases and tags are not allowed")
    value = yaml.load(raw, Loader=_without_dates(yaml.SafeLoader))
    return value if isinstance(value, dict) else {}


def _without_dates(loader: Any) -> Any:
    """Return a YAML loader that gives dates as they are written: one that no calendar has would take all other entries with it."""
    resolvers = {
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in loader.yaml_implicit_resolvers.items()
    }
    return type("_Loader", (loader,), {"yaml_implicit_resolvers": resolvers})


def _toml(raw: str) -> dict[str, Any]:
    try:
        return tomllib.loads(raw)
    except tomllib.TOMLDecodeError:
        return tomllib.loads(_TOML_DATE.sub(r'\1"\2"', raw))


def _odd_date(entries: dict[str, Any]) -> str:
    """Return a warning about a date that no calendar has, empty if there is none."""
    for key, value in entries.items():
        if key.lower() in _DATES and value not in (None, "", []) and not _date(value):
            return f"{key} in the front matter is no date and was left out: {str(value)[:40]}"
    return ""


def _date(value: Any) -> str:
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()[:10]
    match = re.match(r"\s*((?:19|20)\d\d)(?:[-/.](\d{1,2}))?(?:[-/.](\d{1,2}))?", str(value))
    if not match:
        return ""
    parts = [int(part) for part in match.groups() if part]
    try:
        dt.date(*[*parts, 1, 1][:3])
    except ValueError:
        return ""
    return "-".join(str(part).zfill(2) for part in parts)


def _language(value: Any) -> str:
    tag = str(value).strip().lower().replace("_", "-")
    return next((name for prefix, name in (*_LANGUAGES, *_MORE_LANGUAGES) if tag == prefix or tag.startswith(prefix + "-")), "")


def facts(entries: dict[str, Any]) -> dict[str, Any]:
    """Return what a ``Head`` takes from front matter: title, date, publisher, language, tags, metadata."""
    lower = {key.lower(): value for key, value in entries.items()}

    def first(*names: str) -> str:
        return next((str(lower[name]).strip() for name in names if lower.get(name) not in (None, "", [])), "")

    tags: list[str] = []
    for name in ("tags", "categories", "keywords"):
        value = lower.get(name) or []
        tags += [str(item) for item in value] if isinstance(value, list) else re.split(r"[,，、]\s*", str(value))
    known = {"title", "tags", "categories", "keywords", "language", "lang", "locale", "date", "publisher"}
    rest = {key: str(value)[:500] for key, value in lower.items() if key not in known and not isinstance(value, list) and value is not None}
    return {
        "title": first("title"),
        "date": next((found for name in _DATES if (found := _date(lower.get(name, "")))), ""),
        "publisher": first("publisher", "author", "organization"),
        "language": _language(first("language", "lang", "locale")),
        "tags": tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))[:50],
        "metadata": rest,
    }
