// A set of questions opened from a file: those that nobody has reviewed are accepted, edited or rejected here, one by one.

import { button, confirmed, fill, h, isComposing, saveFile } from "./dom.js";
import { expected, quotation } from "./eval-case.js";
import { setText } from "./eval-read.js";
import { has, mark, number, t } from "./i18n.js";
import { onEnter } from "./composer.js";

const SLOT = "wenju.review.1";
let opened = null;

/** The set that is open: what was decided outlives a reload where the device has room for it. */
export function keptSet() {
  if (opened) return opened;
  try {
    const saved = JSON.parse(localStorage.getItem(SLOT) ?? "null");
    opened = Array.isArray(saved?.cases) ? saved : null;
  } catch {
    opened = null;
  }
  return opened;
}

function keep(set) {
  opened = set;
  try {
    if (set) localStorage.setItem(SLOT, JSON.stringify(set));
    else localStorage.removeItem(SLOT);
  } catch {
    // Too large for the device: it lives as long as the page.
  }
}

/** Parts of an answer stand on lines of their own, their alternatives between slashes. */
const toLines = (answers) => answers.map((part) => part.join(" / ")).join("\n");
const fromLines = (text) =>
  text
    .split("\n")
    .map((line) => line.split("/").map((one) => one.trim()).filter(Boolean))
    .filter((part) => part.length > 0);

/** A code of the set in the page's words; one that has none stays as it is. */
const named = (family, code) => (has(`${family}.${code}`) ? h("span", { t: `${family}.${code}` }) : h("span", {}, code));

export class SetReview {
  static keep = keep;

  /** @param {HTMLElement} box  @param {{onRun: (set: object) => Promise<string>, onClose: () => void}} links */
  constructor(box, links) {
    Object.assign(this, { box, links, set: keptSet(), skipped: new Set(), editing: false });
  }

  get waiting() {
    return this.set.cases.filter((one) => !one.reviewed_by && !this.skipped.has(one.id));
  }

  draw() {
    const { cases, name } = this.set;
    const left = cases.filter((one) => !one.reviewed_by).length;
    const [current] = this.waiting;
    this.trouble = h("p", { class: "notice bad", role: "alert", hidden: true });
    fill(
      this.box,
      h("div", { class: "view-head" }, h("h1", {}, name), h("p", { class: "muted", t: ["evals.set.left", { n: number(cases.length), left: number(left) }] })),
      h(
        "div",
        { class: "actions" },
        button("evals.set.run", () => this.run(), { disabled: !cases.length }),
        button("evals.set.save", () => this.save(), {}, "save"),
        button("evals.set.close", () => this.close()),
      ),
      this.trouble,
      current ? this.draft(current) : h("p", { class: "empty", t: left ? "evals.set.skipped" : "evals.set.all" }),
    );
  }

  draft(one) {
    const part = (key, ...children) => [h("dt", { t: key }), h("dd", {}, children)];
    const act = (key, click, kind = "quiet") => button(key, click, { class: `button ${kind}` });
    return h(
      "section",
      { class: "run draft" },
      h("h2", { lang: one.language, dir: "auto" }, one.question),
      h("p", { class: "dots muted small" }, h("span", {}, one.id), named("language", one.language), named("slice", one.type ?? "other"), one.source && h("span", {}, one.source)),
      this.editing
        ? this.form(one)
        : [
            h(
              "dl",
              { class: "case" },
              part("evals.expected", one.answerable ? h("span", { lang: one.language }, expected(one.answers ?? []) || "–") : h("span", { t: "evals.unanswerable" })),
              one.evidence?.length > 0 &&
                part(
                  "evals.evidence",
                  one.evidence.map((place) => quotation({ file_name: place.document, page: place.page, quote: place.quote })),
                ),
            ),
            h(
              "div",
              { class: "actions" },
              act("evals.accept", () => this.decide(one, { reviewed_by: "page" }), "primary"),
              act("evals.edit", () => this.edit(true)),
              act("evals.reject", () => this.decide(one, null)),
              act("evals.skip", () => (this.skipped.add(one.id), this.draw())),
            ),
          ],
    );
  }

  form(one) {
    const question = h("input", { type: "text", value: one.question, maxlength: 4000, lang: one.language });
    const answers = h("textarea", { rows: 3, value: toLines(one.answers ?? []), lang: one.language });
    const keepIt = () => {
      const changes = { question: question.value.trim() || one.question, reviewed_by: "page" };
      this.decide(one, one.answerable ? { ...changes, answers: fromLines(answers.value) } : changes);
    };
    onEnter(question, keepIt);
    const form = h(
      "div",
      { class: "reasons" },
      h("label", { class: "field" }, h("span", { t: "evals.question" }), question),
      one.answerable && h("label", { class: "field" }, h("span", { t: "evals.answers" }), answers),
      h(
        "div",
        { class: "actions" },
        button("evals.accept", keepIt, { class: "button primary" }),
        button("cancel", () => this.edit(false)),
      ),
    );
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || isComposing(event)) return;
      event.stopPropagation();
      this.edit(false);
    });
    return form;
  }

  edit(on) {
    this.editing = on;
    this.draw();
    this.box.querySelector(on ? ".draft input" : ".draft .primary")?.focus();
  }

  /** Take a decision over: changes to the question, or null to throw it away. */
  decide(one, changes) {
    const cases = changes
      ? this.set.cases.map((other) => (other === one ? { ...one, ...changes } : other))
      : this.set.cases.filter((other) => other !== one);
    this.set = { ...this.set, cases, changed: true };
    keep(this.set);
    this.editing = false;
    this.draw();
    this.box.querySelector(".draft .primary")?.focus();
  }

  save() {
    saveFile(this.set.name, setText(this.set.cases), "application/jsonl");
    this.set = { ...this.set, changed: false };
    keep(this.set);
  }

  async run() {
    const trouble = await this.links.onRun({ name: this.set.name, cases: this.set.cases });
    if (!trouble) return;
    this.trouble.hidden = false;
    this.trouble.textContent = trouble;
  }

  async close() {
    if (this.set.changed && !(await confirmed("evals.set.close.title", t("evals.set.close.text"), "evals.set.close"))) return;
    keep(null);
    this.links.onClose();
  }
}
