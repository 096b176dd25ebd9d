// Eval runs: each run's measures with their intervals, and what changed against the run before of the same set.

import { ApiError, evals } from "./api.js";
import { fill, h } from "./dom.js";
import { mark, number, onLanguage, percent, t, when } from "./i18n.js";

const FIRST_SHOWN = 6;

/** Runs differ in shape between versions; this is all that the view needs of one. */
export function readRun(raw) {
  const measures = Object.entries(raw.measures ?? raw.metrics ?? raw.scores ?? {}).flatMap(([name, value]) => {
    if (typeof value === "number") return [{ name, value }];
    if (value === null || typeof value !== "object") return [];
    const figure = value.value ?? value.mean ?? value.score;
    const [low, high] = value.interval ?? value.ci95 ?? value.ci ?? [value.low, value.high];
    return typeof figure === "number" ? [{ name, value: figure, low, high, n: value.n }] : [];
  });
  const made = raw.created ?? raw.created_at ?? raw.started ?? raw.started_at ?? raw.date;
  const gate = raw.gate?.passed ?? raw.gate?.ok ?? raw.passed ?? raw.gate;
  const verdict = gate === "passed" || gate === "pass" ? true : gate === "failed" || gate === "fail" ? false : gate;
  return {
    id: String(raw.id ?? raw.run_id ?? ""),
    set: [raw.set ?? raw.sets ?? raw.name ?? ""].flat().join(", "),
    time: typeof made === "number" ? made * 1000 : Date.parse(made ?? "") || 0,
    questions: raw.questions ?? raw.n ?? raw.count ?? null,
    gate: typeof verdict === "boolean" ? verdict : null,
    measures,
  };
}

const isShare = (measure) => measure.value >= 0 && measure.value <= 1 && !/_ms$|latency|seconds/.test(measure.name);
const figure = (measure, value) => (isShare(measure) ? percent(value) : number(Math.round(value * 100) / 100));

export class EvalsElement extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.runs = null;
    this.pick = h("select", { tLabel: "evals.set", hidden: true, on: { change: () => this.draw() } });
    this.list = h("div", { class: "runs" });
    fill(
      this,
      h(
        "div",
        { class: "column wide" },
        h("div", { class: "view-head" }, h("h1", { t: "evals.title" }), this.pick),
        h("p", { class: "lead", t: "evals.lead" }),
        this.list,
      ),
    );
    onLanguage(() => this.runs && this.draw());
  }

  async show() {
    if (!this.runs) mark(this.list, "t", "loading");
    try {
      const answer = await evals();
      const runs = Array.isArray(answer) ? answer : (answer.data ?? answer.runs ?? []);
      this.runs = runs.map(readRun).sort((a, b) => b.time - a.time);
    } catch (error) {
      delete this.list.dataset.t;
      const missing = error instanceof ApiError && error.status === 404;
      fill(
        this.list,
        h(
          "p",
          { class: missing ? "empty" : "notice bad", ...(missing && { t: "evals.none" }) },
          missing ? null : error instanceof ApiError ? error.text : t("error.bad"),
        ),
      );
      return;
    }
    delete this.list.dataset.t;
    this.draw();
  }

  draw() {
    const sets = [...new Set(this.runs.map((run) => run.set).filter(Boolean))].sort();
    const chosen = this.pick.value;
    fill(
      this.pick,
      h("option", { value: "", t: "evals.all" }),
      sets.map((set) => h("option", { value: set }, set)),
    );
    this.pick.value = sets.includes(chosen) ? chosen : "";
    this.pick.hidden = sets.length < 2;
    const shown = this.runs.filter((run) => !this.pick.value || run.set === this.pick.value);
    if (!shown.length) fill(this.list, h("p", { class: "empty", t: "evals.none" }));
    else
      fill(
        this.list,
        shown.map((run) => this.run(run)),
      );
  }

  run(run) {
    const before = this.runs.find((other) => other.set === run.set && other.time < run.time);
    const facts = [
      run.time > 0 && h("span", {}, when(run.time)),
      run.questions !== null && h("span", {}, `${t("evals.questions")} ${number(run.questions)}`),
      run.gate !== null &&
        h(
          "span",
          { class: run.gate ? "passed" : "failed" },
          `${t("evals.gate")}: ${t(run.gate ? "evals.gate.passed" : "evals.gate.failed")}`,
        ),
    ];
    const [first, rest] = [run.measures.slice(0, FIRST_SHOWN), run.measures.slice(FIRST_SHOWN)];
    return h(
      "section",
      { class: "run" },
      h("h2", {}, run.set || run.id),
      h("p", { class: "dots muted small" }, facts),
      this.table(first, before),
      rest.length > 0 && h("details", { class: "why" }, h("summary", { t: "evals.details" }), this.table(rest, before)),
    );
  }

  table(measures, before) {
    const head = ["measure", "value", "interval", "change"].map((key) => h("th", { scope: "col", t: `evals.${key}` }));
    return h(
      "div",
      { class: "table-frame", tabindex: "0", role: "region", tLabel: "evals.title" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, head)),
        h(
          "tbody",
          {},
          measures.map((measure) => this.measure(measure, before)),
        ),
      ),
    );
  }

  measure(measure, before) {
    const old = before?.measures.find((other) => other.name === measure.name);
    const interval =
      typeof measure.low === "number" && typeof measure.high === "number"
        ? `${figure(measure, measure.low)}–${figure(measure, measure.high)}`
        : "";
    const change = old ? measure.value - old.value : null;
    const size = isShare(measure)
      ? t("evals.points", { n: number(Math.round(Math.abs(change) * 1000) / 10) })
      : figure(measure, Math.abs(change));
    const sign = change > 0 ? "+" : change < 0 ? "−" : "±";
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, measure.name),
      h(
        "td",
        {},
        isShare(measure) && h("meter", { min: 0, max: 1, value: measure.value, "aria-hidden": "true" }),
        figure(measure, measure.value),
      ),
      h("td", { class: "muted" }, interval),
      h("td", {}, change === null ? "" : `${sign}${size}`),
    );
  }
}

customElements.define("wj-evals", EvalsElement);
