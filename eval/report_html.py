"""The report as one self-contained HTML page: no script, no outside request, charts as SVG, readable in three languages."""

from __future__ import annotations

from html import escape
from typing import Any

from eval.charts import bars, calibration_chart, risk_chart
from eval.strings import STRINGS

__all__ = ["html_report"]

_CSS = """
:root{color-scheme:light dark;--ink:#1b1d21;--soft:#5c6370;--line:#d9dce1;--card:#fff;--page:#f6f7f9;--mark:#0b6e69;--bad:#a63a2a}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#9aa1ab;--line:#343941;--card:#1f2329;--page:#16191d;
--mark:#59c2b8;--bad:#f0907f}}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.6 system-ui,"Noto Sans CJK TC","PingFang TC","Microsoft JhengHei",sans-serif}
main{max-width:68rem;margin:0 auto;padding:1.5rem}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.5rem}
table{border-collapse:collapse;width:100%;background:var(--card)}
th,td{text-align:left;padding:.4rem .7rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.soft{color:var(--soft)}.bad{color:var(--bad)}.ok{color:var(--mark)}
details{background:var(--card);border:1px solid var(--line);border-radius:6px;margin:.4rem 0;padding:.5rem .8rem}
summary{cursor:pointer}
blockquote{margin:.4rem 0;padding:.2rem .8rem;border-left:3px solid var(--mark)}
svg{max-width:100%;height:auto}svg text{fill:currentColor;font-size:12px}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem}
nav a{margin-right:1rem}pre{white-space:pre-wrap;font-size:.85rem}
@media print{details{break-inside:avoid}body{background:#fff;color:#000}}
"""


def _pct(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _label(name: str) -> str:
    """Return a label in three languages."""
    words = STRINGS.get(name)
    if words is None:
        return escape(name)
    return " · ".join(f'<span lang="{code}">{escape(word)}</span>' for code, word in zip(("zh-Hant", "zh-Hans", "en"), words, strict=True))


def _headline(summary: dict[str, Any]) -> str:
    rows = "".join(
        f'<tr><td>{_label(name)}</td><td class="n">{_pct(item["value"])}</td><td class="n">{_pct(item["low"])} – {_pct(item["high"])}</td>'
        f'<td class="n">{item["n"]}</td></tr>'
        for name, item in summary["headline"].items()
    )
    head = f'<tr><th>{_label("measure")}</th><th class="n">{_label("value")}</th><th class="n">95 %</th><th class="n">n</th></tr>'
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _slices(summary: dict[str, Any]) -> str:
    out = []
    for name, entries in summary["slices"].items():
        rows = "".join(
            f"<tr><td>{escape(value)}</td>"
            + "".join(
                f'<td class="n">{_pct(item[m]["value"]) if m in item else "–"}</td>'
                for m in ("accuracy", "refused_right", "hit@1", "hit@5")
            )
            + "</tr>"
            for value, item in entries.items()
        )
        head = "".join(f'<th class="n">{_label(m)}</th>' for m in ("accuracy", "refused_right", "hit@1", "hit@5"))
        out.append(f"<h3>{_label(name)}</h3><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>")
    return "".join(out)


def _case(result: dict[str, Any]) -> str:
    failure = f'<span class="bad">{_label(result["failure"])}</span>' if result["failure"] else '<span class="ok">✓</span>'
    expected = " + ".join(" / ".join(part) for part in result["expected"]) or "–"
    gold = "".join(
        f'<blockquote>{escape(e["quote"])}<br><span class="soft">{escape(e["document"])} · {e["page"]}</span></blockquote>'
        for e in result["evidence"]
    )
    cited = "".join(
        f"<blockquote>[{c['index']}] {escape(c['cited_text'])}<br>"
        f'<span class="soft">{escape(c["file_name"])} · {c["page"] or 1} · {escape(c["verification"])}</span></blockquote>'
        for c in result["citations"]
    )
    ranked = "".join(
        f'<tr><td class="n">{rank}</td><td>{"●" if p["relevant"] else ""}</td><td class="n">{p["score"]:.3f}</td>'
        f"<td>{escape(p['document'])} · {p['page'] or 1}</td><td>{escape(p['text'][:160])}</td></tr>"
        for rank, p in enumerate(result["passages"], 1)
    )
    return (
        f'<details id="q-{escape(result["id"])}"><summary>{failure} <b>{escape(result["id"])}</b> '
        f'<span lang="{escape(result["language"])}">{escape(result["question"])}</span></summary>'
        f"<p>{_label('expected')}: {escape(expected)}</p><p>{_label('answer')}: {escape(result['answer']['answer'])}</p>{cited}"
        f"<p>{_label('evidence')}</p>{gold}<table>{ranked}</table></details>"
    )


def _comparison(run: dict[str, Any]) -> str:
    comparison = run.get("comparison")
    if not comparison:
        return ""
    overall = comparison["overall"]
    rows = "".join(
        f'<tr><td>{_label(name)}</td><td class="n">{item["won"]}</td><td class="n">{item["lost"]}</td>'
        f'<td class="n">{100 * item["difference"]:+.1f}</td><td class="n">{item["p"]:.3g}</td><td>{escape(item["verdict"])}</td></tr>'
        for name, item in {"overall": overall, **comparison["measures"], **comparison["slices"]}.items()
    )
    links = "".join(
        f"<p>{_label(name)}: " + ", ".join(f'<a href="#q-{escape(i)}">{escape(i)}</a>' for i in comparison[name]) + "</p>"
        for name in ("won", "lost")
        if comparison[name]
    )
    head = f'<tr><th></th><th class="n">{_label("won")}</th><th class="n">{_label("lost")}</th>'
    head += '<th class="n">±</th><th class="n">p</th><th></th></tr>'
    return f"<h2>{_label('comparison')}</h2><table><thead>{head}</thead><tbody>{rows}</tbody></table>{links}"


def _gate(run: dict[str, Any]) -> str:
    if not run.get("gate"):
        return ""
    rows = "".join(
        f'<tr><td>{escape(v["measure"])}</td><td class="n">{v["wanted"]}</td>'
        f'<td class="n">{"–" if v["found"] is None else round(v["found"], 4)}</td>'
        f'<td class="{"ok" if v["passed"] else "bad"}">{"✓" if v["passed"] else "✗"}</td></tr>'
        for v in run["gate"]
    )
    return f"<h2>{_label('gate')}</h2><table><tbody>{rows}</tbody></table>"


def html_report(run: dict[str, Any]) -> str:
    """Return the report of a run as one HTML page."""
    summary = run["summary"]
    languages = {name: item["accuracy"]["value"] for name, item in summary["slices"]["language"].items() if "accuracy" in item}
    latency = {name: value for name, value in summary["latency_ms"].items() if value is not None}
    failures = {name: float(count) for name, count in summary["failures"].items()}
    failed = [result for result in run["results"] if result["failure"]]
    passed = [result for result in run["results"] if not result["failure"]]
    made_by = run["fingerprint"]
    facts = "\n".join(f"{name}: {value}" for name, value in made_by.items())
    charts = [
        (_label("parity"), bars(languages, unit="%", scale=100)),
        (_label("latency"), bars(latency, unit="ms")),
        (_label("risk_coverage"), risk_chart(summary["refusals"]["risk_coverage"])),
        (_label("reliability"), calibration_chart(summary["refusals"]["reliability"])),
        (_label("failures"), bars(failures)),
    ]
    drawn = "".join(f"<figure><figcaption>{title}</figcaption>{svg}</figure>" for title, svg in charts if svg)
    return (
        '<!doctype html><html lang="zh-Hant"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Wenju eval</title><style>{_CSS}</style></head><body><main><h1>{_label('title')}</h1>"
        f'<p class="soft">{summary["questions"]} · '
        f"{escape(str(made_by.get('generation', '')))} · {escape(str(made_by.get('commit', '')))}</p>"
        f'{_headline(summary)}{_gate(run)}{_comparison(run)}<h2>{_label("charts")}</h2><div class="grid">{drawn}</div>'
        f"<h2>{_label('slices')}</h2>{_slices(summary)}<h2>{_label('failed')} ({len(failed)})</h2>{''.join(map(_case, failed))}"
        f"<h2>{_label('passed')} ({len(passed)})</h2>{''.join(map(_case, passed))}"
        f"<h2>{_label('fingerprint')}</h2><pre>{escape(facts)}</pre></main></body></html>"
    )
