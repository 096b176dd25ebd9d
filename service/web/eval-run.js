// One eval run: its measures with their intervals, its slices, what was won and lost against the run before, and every question.

import { caseBox } from "./eval-case.js";
import { chance, changes, isShare, outcome } from "./eval-read.js";
import { fill, h } from "./dom.js";
import { has, languageName, number, percent, t, when } from "./i18n.js";

const FIRST_SHOWN = 6;
const PAGE = 50; // questions drawn at a time
const SLICED = ["accuracy", "answered", "refused_right", "hit@5"];

const measureName = (name) => (has(`measure.${name}`) ? t(`measure.${name}`) : name);
const figure = (name, value) => (isShare(name) ? percent(value) : number(Math.round(value * 100) / 100));

/** When, how many questions, whether the gate let it pass. */
export function runFacts(run) {
  return h(
    "p",
    { class: "dots muted small" },
    run.time > 0 && h("span", {}, when(run.time)),
    run.questions !== null && h("span", { t: ["evals.questions", { n: number(run.questions) }] }),
    run.latency && h("span", { t: ["evals.latency", { p50: number(Math.round(run.latency.p50)), p95: number(Math.round(run.latency.p95)) }] }),
    run.gate !== null && h("span", { class: run.gate ? "passed" : "failed", t: run.gate ? "evals.gate.passed" : "evals.gate.failed" }),
  );
}

const frame = (label, head, rows) =>
  h(
    "div",
    { class: "table-frame", tabindex: "0", role: "region", tLabel: label },
    h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)),
  );

function change(measure, before) {
  const old = before?.measures.find((other) => other.name === measure.name);
  if (!old) return "";
  const by = measure.value - old.value;
  const size = isShare(measure.name)
    ? t("evals.points", { n: number(Math.round(Math.abs(by) * 1000) / 10) })
    : figure(measure.name, Math.abs(by));
  return `${by > 0 ? "+" : by < 0 ? "−" : "±"}${size}`;
}

function measureRow(measure, before) {
  const { name, value, low, high, n } = measure;
  const interval = typeof low === "number" && typeof high === "number" ? `${figure(name, low)} – ${figure(name, high)}` : "";
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, measureName(name)),
    h("td", {}, isShare(name) && h("meter", { min: 0, max: 1, value, "aria-hidden": "true" }), figure(name, value)),
    h("td", { class: "muted" }, interval),
    h("td", { class: "muted" }, typeof n === "number" ? number(n) : ""),
    before && h("td", {}, change(measure, before)),
  );
}

/** The measures of a run: the first ones, the others on demand. */
export function measureTables(run, before) {
  const keys = ["measure", "value", "interval", "n", ...(before ? ["change"] : [])];
  const table = (measures, label) =>
    frame(
      label,
      keys.map((key) => h("th", { scope: "col", t: `evals.${key}` })),
      measures.map((measure) => measureRow(measure, before)),
    );
  const rest = run.measures.slice(FIRST_SHOWN);
  // Two runs of a set may fall into one minute: the end of the id keeps their tables apart for a screen reader.
  const name = [run.set, when(run.time), run.id.slice(-4)].filter(Boolean).join(", ");
  return [
    table(run.measures.slice(0, FIRST_SHOWN), ["evals.measures", { name }]),
    rest.length > 0 && h("details", { class: "why" }, h("summary", { t: "evals.details" }), table(rest, "evals.details")),
  ];
}

/** What a slice is called: its own name, or that of its language or crossing. */
function sliceName(kind, value) {
  if (kind === "language") return languageName(value);
  const key = `slice.${value}`;
  return kind !== "document" && has(key) ? t(key) : value;
}

function sliceTable(kind, entries) {
  const names = SLICED.filter((name) => Object.values(entries).some((one) => one[name]));
  const cell = (one) => (one ? [percent(one.value), h("span", { class: "muted" }, ` / ${number(one.n)}`)] : "–");
  return frame(
    `slices.${kind}`,
    [h("th", { scope: "col", t: `slices.${kind}` }), names.map((name) => h("th", { scope: "col" }, measureName(name)))],
    Object.entries(entries).map(([value, one]) =>
      h("tr", {}, h("th", { scope: "row" }, sliceName(kind, value)), names.map((name) => h("td", {}, cell(one[name])))),
    ),
  );
}

const boxes = (pairs) => pairs.map(({ before, after }) => caseBox(after, before));

function movement(run, before) {
  const { shared, won, lost } = changes(before, run);
  const values = { n: number(shared), p: number(Math.round(chance(won.length, lost.length) * 1000) / 1000) };
  return [
    h("h2", { t: "evals.moved" }),
    h("p", { class: "muted", t: [won.length + lost.length ? "evals.moved.chance" : "evals.moved.none", values] }),
    won.length > 0 && [h("h3", { class: "passed", t: ["evals.won", { n: number(won.length) }] }), boxes(won)],
    lost.length > 0 && [h("h3", { class: "failed", t: ["evals.lost", { n: number(lost.length) }] }), boxes(lost)],
  ];
}

/** The questions of a run, so many at a time. */
function questionList(results) {
  const box = h("div", {});
  let at = 0;
  const more = h("button", { type: "button", class: "button quiet", t: "evals.more", on: { click: () => draw() } });
  const draw = () => {
    more.remove();
    box.append(...results.slice(at, at + PAGE).map((result) => caseBox(result)));
    at += PAGE;
    if (at < results.length) box.append(more);
  };
  draw();
  return box;
}

function questions(run) {
  const wrong = run.results.filter((result) => result.failure || outcome(result) === 0);
  const right = run.results.filter((result) => !wrong.includes(result));
  return [
    wrong.length > 0 && [h("h2", { t: ["evals.wrong.list", { n: number(wrong.length) }] }), questionList(wrong)],
    right.length > 0 && [h("h2", { t: ["evals.right.list", { n: number(right.length) }] }), questionList(right)],
  ];
}

/** Draw a run into `box`; `before` is the run of the same set before it, or null. */
export function drawRun(box, run, before) {
  const back = h("a", { class: "button quiet", href: "#/evals", t: "evals.back" });
  const slices = Object.entries(run.slices).filter(([, entries]) => Object.keys(entries).length > 0);
  fill(
    box,
    h("div", { class: "view-head" }, h("h1", {}, run.set || run.id), back),
    runFacts(run),
    measureTables(run, before),
    run.results && before?.results && movement(run, before),
    slices.length > 0 && [h("h2", { t: "evals.slices" }), h("div", { class: "slices" }, slices.map(([kind, entries]) => sliceTable(kind, entries)))],
    run.results && questions(run),
  );
}
