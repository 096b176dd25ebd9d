"""Documents that try to become part of the page: each template in front matter, text and file name."""

from __future__ import annotations

from pathlib import Path

EVIL = "https://evil.invalid"
TEMPLATES = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    f"<img src={EVIL}/pixel.gif>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    f"<iframe src={EVIL}></iframe>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<a href=javascript:alert(1)>click</a>",
    "[click](javascript:alert(1))",
    f"![pixel]({EVIL}/pixel.png)",
    f"<link rel=stylesheet href={EVIL}/a.css>",
    "<style>@import 'https://evil.invalid/b.css';</style>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<input autofocus onfocus=alert(1)>",
    f"<form action={EVIL}><button>send</button></form>",
    f"<meta http-equiv=refresh content='0;url={EVIL}'>",
    "<math><mtext><mglyph><style><img src=x onerror=alert(1)></style></mglyph></mtext></math>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'</textarea><img src=x onerror=alert(1)>",
    "{{constructor.constructor('alert(1)')()}}${alert(1)}",
    f"<base href={EVIL}/>",
]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _write(folder: Path, number: int, template: str) -> Path:
    """Write a document that has the template in its front matter, its text and its file name (as far as a file system takes it)."""
    name = f"{number:02d} {template}".replace("/", "∕")[:120]
    text = (
        f"---\ntitle: {_quoted(f'Report {number} {template}')}\npublisher: {_quoted(template)}\ntags: [{_quoted(template)}]\n"
        f"language: en\n---\n\n"
        f"## Findings {template}\n\n"
        f"The hoatzin index of report {number} was {400 + number} points {template}\n\n"
        f"```\n{template}\n```\n\n"
        f"| Measure | Value |\n| --- | --- |\n| hoatzin {number} | {template.replace('|', '¦')} |\n"
    )
    path = folder / f"{name}.md"
    path.write_text(text)
    return path


def write_hostile(folder: Path) -> Path:
    """Write a document for every template and return their folder."""
    folder.mkdir(parents=True)
    for number, template in enumerate(TEMPLATES):
        _write(folder, number, template)
    return folder
