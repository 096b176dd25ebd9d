"""What of a saved page is its content: menus, banners and boxes beside it are taken out of the tree, the rest stays as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

__all__ = ["HEADINGS", "content_of", "squashed"]

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_ASIDE = {"nav", "footer", "aside", "dialog", "button", "select", "input", "textarea", "svg", "canvas", "video", "audio", "object"}
# Readings beside characters, and the source of a formula: a quote would stumble over them.
_ASIDE |= {"rt", "rp", "annotation", "annotation-xml"}
_ROLES = {"navigation", "banner", "contentinfo", "complementary", "search", "dialog", "alertdialog", "menu", "menubar", "toolbar"}
_BANNER = re.compile(r"cookies?[-_]?(?:banner|bar|notice|notification|consent|popup|modal|dialog|law|info)|consent|gdpr|onetrust")
_BESIDE = re.compile(
    r"(?:^|[-_])(?:cookies?|breadcrumbs?|menu|submenu|navbar|nav|navigation|navbox|sidebar|side-?bar|share|sharing|social|related|recommend(?:ed|ations?)?"
    r"|comments?|newsletter|subscribe|subscription|advert(?:isement)?s?|ads?|promo|sponsored|popup|modal|footer|toc|pagination|pager|masthead"
    r"|skip-link|jump-link|noprint|editsection|headerlink|catlinks|copyright|login|signup|search)(?:$|[-_])"
)
_STATES = re.compile(r"(?:has|with|without|no|is|hide|show|tag|category|js)[-_]")
_LOGO = re.compile(r"logo|brand|site-?(?:title|name)")
_BOXES = {"div", "section", "form", "center", "ul", "ol"}
_MENU_LINKS = 3
_MENU_LABEL_CHARS = 25
_BACK, _AHEAD = 2_000, 20_000


def squashed(text: str) -> str:
    """Return a text without any white space: what two readers of one page agree on."""
    return "".join(text.split())


def _named(element: Any) -> list[str]:
    tokens = f"{element.get('class') or ''} {element.get('id') or ''}".lower().split()
    return [token for token in tokens if not _STATES.match(token)]


def _sizes(root: Any) -> dict[Any, int]:
    """Return how many characters stand in each element. The keys keep lxml's proxies alive, and so the same."""
    sizes: dict[Any, int] = {}
    for element in reversed(list(root.iter())):
        own = len(squashed(element.text or "")) if isinstance(element.tag, str) else 0
        sizes[element] = own + sum(sizes[child] + len(squashed(child.tail or "")) for child in element)
    return sizes


def _drop(elements: Iterable[Any]) -> None:
    for element in elements:
        if element.getparent() is not None:
            element.drop_tree()


def _is_beside(element: Any, *, small: bool) -> bool:
    """Return whether an element is no content by its tag, its role or its name; by its name only if it is small."""
    tag = element.tag
    if tag in _ASIDE or (element.get("role") or "").lower() in _ROLES:
        return True
    if tag == "header":
        return not any(parent.tag in ("article", "main") or parent.get("role") == "main" for parent in element.iterancestors())
    if tag in ("body", "main", "article", "table", "tr", "td", "th", *HEADINGS):
        return False
    names = _named(element)
    if any(_BANNER.search(name) for name in names):
        return element.find(".//h1") is None
    return small and (tag == "form" or any(_BESIDE.search(name) for name in names)) and element.find(".//h1") is None


def _is_menu(element: Any, size: int) -> bool:
    """Return whether an element is a row of short links and little else."""
    if element.tag not in ("ul", "ol", "div", "p", "section"):
        return False
    links = [len(squashed("".join(link.itertext()))) for link in element.iter("a")]
    links = [length for length in links if length]
    return len(links) >= _MENU_LINKS and sum(links) >= 0.8 * size and sum(links) <= _MENU_LABEL_CHARS * len(links)


def _region(body: Any, sizes: dict[Any, int]) -> tuple[Any, bool]:
    """Return the element that the author calls the content, and whether there is one that holds enough of the page."""
    for path in (".//main", ".//*[@role='main']", ".//article"):
        found = [element for element in body.findall(path) if element in sizes]
        largest = max(found, key=lambda element: sizes[element], default=None)
        if largest is not None and sizes[largest] * (2 if path == ".//article" else 3) > sizes[body]:
            inner = [element for element in largest.findall(".//article") if element in sizes]
            if len(inner) == 1 and sizes[inner[0]] * 2 > sizes[largest]:
                largest = inner[0]
            return largest, True
    return body, False


def _kept(region: Any, extracted: str) -> dict[Any, int]:
    """Return for each element how many of its characters the extractor kept; both go through the page in the same order."""
    from lxml import etree

    kept: dict[Any, int] = dict.fromkeys(region.iter(), 0)
    position = 0
    for event, element in etree.iterwalk(region, events=("start", "end")):
        holder = element if event == "start" else element.getparent()
        if (event == "end" and element is region) or (event == "start" and not isinstance(element.tag, str)):
            continue
        text = squashed((element.text if event == "start" else element.tail) or "")
        at = extracted.find(text, max(0, position - _BACK), position + _AHEAD + len(text)) if len(text) > 1 else -1
        if at < 0:
            continue
        position = at + len(text)
        while holder is not None:
            kept[holder] = kept.get(holder, 0) + len(text)
            holder = holder.getparent() if holder is not region else None
    return kept


def _trim(region: Any, extracted: str) -> None:
    """Take out the boxes of which the extractor kept nothing, if on the whole it kept most.

    Tables stay, which it mistakes for layout, and lists without links, which no menu is.
    """
    kept, sizes = _kept(region, extracted), _sizes(region)
    if kept[region] * 2 < sizes[region]:
        return
    for element in list(region.iter()):
        if element is region or element.tag not in _BOXES or kept[element] or not sizes[element] or element.getparent() is None:
            continue
        listed = element.tag in ("ul", "ol") and element.find(".//a") is None
        if not listed and element.find(".//table") is None and element.find(".//h1") is None:
            element.drop_tree()


def _first_heading(body: Any) -> str:
    """Return the page's first h1, wherever it stands, but for the name of the site; empty if there is none."""
    for heading in body.iter("h1"):
        around = [heading, *heading.iterancestors()]
        names = [name for element in around[:3] if element.tag != "body" for name in _named(element)]
        text = "".join(heading.itertext())
        if text.strip() and not any(e.tag in _ASIDE for e in around) and not any(_LOGO.search(n) or _BESIDE.search(n) for n in names):
            return text
    return ""


def content_of(body: Any, extracted: str | None) -> tuple[Any, str]:
    """Return the element to read, with what stands beside the content taken out of it, and the page's h1 if it lies elsewhere.

    Where the author marks the content (``main``, ``article``), that is it. Elsewhere rows of short links are menus, and what the
    extractor kept tells which of the nameless boxes are content.

    Args:
        body: The page's body; it is changed.
        extracted: What an extractor took for the main content; None if it found too little to tell.
    """
    title = _first_heading(body)
    sizes = _sizes(body)
    beside = [e for e in sizes if isinstance(e.tag, str) and e is not body and _is_beside(e, small=sizes[e] * 5 < sizes[body] * 2)]
    inside = set(beside)
    outer = sum(sizes[element] for element in beside if not any(parent in inside for parent in element.iterancestors()))
    if outer < sizes[body]:
        _drop(beside)
        sizes = _sizes(body)
    region, marked = _region(body, sizes)
    if not marked:
        _drop([e for e in sizes if isinstance(e.tag, str) and e is not body and sizes[e] * 2 < sizes[body] and _is_menu(e, sizes[e])])
        if extracted:
            _trim(body, squashed(extracted))
    return region, "" if any("".join(heading.itertext()).strip() for heading in region.iter("h1")) else title
