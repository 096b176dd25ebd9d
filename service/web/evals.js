// Eval runs: what the service has measured and is measuring, and files of runs and sets that are opened here.

import { ApiError, evalRun, evals, startEval } from "./api.js";
import { announce, button, fill, h } from "./dom.js";
import { FileError, readFile, readRun } from "./eval-read.js";
import { drawRun, measureTables, runFacts } from "./eval-run.js";
import { SetReview, keptSet } from "./eval-set.js";
import { mark, number, onLanguage, t } from "./i18n.js";

const POLL = 2000; // ms

export class EvalsElement extends HTMLElement {
  connectedCallback() {
    if (this.body) return;
    this.runs = null;
    this.file = null;
    this.timer = 0;
    this.wanted = "";
    this.body = h("div", { class: "column wide evals" });
    this.note = h("p", { class: "notice bad", role: "alert", hidden: true });
    fill(this, this.body);
    this.addEventListener("dragover", (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
    this.addEventListener("drop", (event) => {
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.take(event.dataTransfer.files[0]);
    });
    // A draft may be half edited; all of its words follow the language by themselves.
    onLanguage(() => !this.closest(".view").hidden && this.wanted !== "set" && this.show(this.wanted));
  }

  /** `""` is the list, `file` a run that was opened, `set` a set that was opened, anything else the id of a run. */
  async show(wanted = "") {
    this.wanted = wanted;
    clearTimeout(this.timer);
    if (wanted === "file" && this.file) drawRun(this.body, this.file, null);
    else if (wanted === "set" && keptSet()) this.drawSet();
    else if (wanted === "file" || wanted === "set") location.hash = "#/evals";
    else if (wanted) await this.drawOne(wanted);
    else await this.load();
  }

  fail(error) {
    fill(this.body, h("p", { class: "notice bad", role: "alert" }, error instanceof ApiError ? error.text : t("error.bad")));
  }

  async load() {
    if (!this.runs) fill(this.body, h("p", { class: "muted", t: "loading" }));
    try {
      this.runs = (await evals()).data.map(readRun);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.wanted) return;
    this.drawList();
    if (this.runs.some((run) => run.state === "queued" || run.state === "running"))
      this.timer = setTimeout(() => !this.closest(".view").hidden && !this.wanted && this.load(), POLL);
  }

  /** The run before of the same set, of those that have ended. */
  before(run) {
    return this.runs?.find((other) => other.set === run.set && other.time < run.time && other.state === "done") ?? null;
  }

  async drawOne(id) {
    fill(this.body, h("p", { class: "muted", t: "loading" }));
    try {
      this.runs = (await evals()).data.map(readRun);
      const run = readRun(await evalRun(id));
      const before = this.before(run);
      const whole = before && readRun(await evalRun(before.id));
      if (this.wanted === id) drawRun(this.body, run, whole);
    } catch (error) {
      if (this.wanted === id) this.fail(error);
    }
  }

  head() {
    const input = h("input", { type: "file", accept: ".json,.jsonl", class: "visually-hidden", id: "eval-file", tabindex: "-1", "aria-hidden": "true" });
    input.addEventListener("change", () => {
      const [file] = input.files;
      input.value = ""; // A mended file has its old name, and has to be seen as chosen again.
      if (file) this.take(file);
    });
    return [
      h("div", { class: "view-head" }, h("h1", { t: "evals.title" }), button("evals.open", () => input.click(), {}, "upload"), input),
      h("p", { class: "lead", t: "evals.lead" }),
      this.note,
    ];
  }

  drawList() {
    const set = keptSet();
    fill(
      this.body,
      this.head(),
      set && h("p", { class: "notice" }, h("a", { href: "#/evals/set", t: ["evals.set.kept", { name: set.name }] })),
      this.runs.length ? this.runs.map((run) => this.row(run)) : h("p", { class: "empty", t: "evals.none" }),
    );
  }

  row(run) {
    const over = run.state === "done";
    const name = run.set || run.id;
    return h(
      "section",
      { class: "run" },
      h("h2", {}, over ? h("a", { href: `#/evals/${encodeURIComponent(run.id)}` }, name) : name),
      runFacts(run),
      over && run.measures.length > 0 && measureTables({ ...run, measures: run.measures.slice(0, 4) }, this.before(run)),
      run.state === "failed" && h("p", { class: "failed" }, run.errors[0]?.reason ?? "", !run.errors.length && h("span", { t: "evals.cut" })),
      !over && run.state !== "failed" && [
        h("p", { class: "muted small", t: ["evals.running", { done: number(run.done), n: number(run.questions) }] }),
        h("progress", { max: run.questions, value: run.done, tLabel: ["upload.progress", { name }] }),
      ],
    );
  }

  async take(file) {
    try {
      const found = readFile(file.name, await file.text());
      if (found.run) {
        this.file = found.run;
        this.open("file");
      } else {
        SetReview.keep(found.set);
        this.open("set");
      }
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.note.hidden = false;
      mark(this.note, "t", error.key, error.values);
    }
  }

  open(name) {
    this.note.hidden = true;
    if (location.hash === `#/evals/${name}`) this.show(name);
    else location.hash = `#/evals/${name}`;
  }

  drawSet() {
    new SetReview(this.body, { onRun: (set) => this.measure(set), onClose: () => (location.hash = "#/evals") }).draw();
  }

  /** Have the running service answer a set. */
  async measure({ name, cases }) {
    try {
      await startEval({ name: name.slice(0, 200), cases });
    } catch (error) {
      return error instanceof ApiError ? error.text : t("error.bad");
    }
    announce(t("evals.started"));
    location.hash = "#/evals";
    return "";
  }
}

customElements.define("wj-evals", EvalsElement);
