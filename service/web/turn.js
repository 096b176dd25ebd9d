// One question and its answer, in each of its states: searching, streaming, answered, refused, stopped, failed.

import { attachCard, closeCard } from "./card.js";
import { announce, button, copyText, fill, h } from "./dom.js";
import { feedbackBox } from "./feedback.js";
import { checkNote } from "./gone.js";
import { mark, t } from "./i18n.js";
import { chipName, footnoted, pageNote, renderAnswer, renderQuote, withLanguages } from "./render.js";
import { Spoken } from "./spoken.js";
import { whyBox } from "./why.js";

const HALF_MARKER = /\[\d{0,3}$/;
const partNames = (parts) => parts.map((part) => (t(`leg.${part}`) === `leg.${part}` ? part : t(`leg.${part}`))).join(", ");
export { partNames };

export class TurnElement extends HTMLElement {
  /** @param {object} turn as the store keeps it  @param {{open, retry, save}} handlers */
  setup(turn, handlers) {
    this.turn = turn;
    this.handlers = handlers;
    this.citations = [];
    this.spoken = new Spoken();
    this.frame = 0;
    this.asked = h("span", { dir: "auto" }, turn.question);
    this.state = h("p", { class: "turn-state" });
    this.prose = h("div", { class: "answer-text" });
    this.extra = h("div", { class: "answer-extra" });
    this.next = h("section", { class: "suggestions follow-ups", hidden: true });
    this.body = h("div", { class: "answer", "aria-busy": "false" }, this.prose, this.state, this.extra);
    fill(this, h("h2", { class: "question" }, h("span", { class: "visually-hidden", t: "chat.you" }), this.asked), this.body);
    this.draw();
    return this;
  }

  draw() {
    const { turn } = this;
    closeCard();
    this.body.setAttribute("aria-busy", String(turn.status === "busy"));
    if (turn.answer) this.drawAnswer(turn.answer);
    else if (turn.status === "busy") this.say("chat.searching");
    else this.drawBroken();
  }

  say(key, values = {}) {
    this.state.hidden = false;
    mark(this.state, "t", key, values);
    announce(t(key, values));
  }

  /** A piece of the stream. Drawing waits for the next frame, so that many small pieces cost one drawing. */
  onEvent(name, payload) {
    if (name === "retrieval") {
      this.spoken.lang = payload.language ?? "";
      this.say("chat.found", { n: payload.candidates ?? payload.hits?.length ?? payload.retrieval?.candidates ?? 0 });
    } else if (name === "delta") this.turn.partial = (this.turn.partial ?? "") + payload.text;
    else if (name === "citation") this.citations.push(payload.citation ?? payload);
    else return;
    if (name !== "retrieval" && !this.frame) this.frame = requestAnimationFrame(() => this.drawPartial());
  }

  drawPartial() {
    this.frame = 0;
    if (this.turn.status !== "busy" || !this.turn.partial) return;
    this.state.hidden = true;
    this.prose.lang = "";
    const text = this.turn.partial.replace(HALF_MARKER, "");
    fill(this.prose, renderAnswer(text, { citations: this.citations, chip: (citation) => this.chip(citation) }));
    this.spoken.hear(this.turn.partial);
    this.handlers.grown();
  }

  chip(citation) {
    const chip = h(
      "button",
      { type: "button", class: "chip", tLabel: chipName(citation), data: { cite: citation.id } },
      String(citation.index),
    );
    chip.addEventListener("click", () => {
      closeCard();
      this.handlers.open(citation, chip);
    });
    attachCard(chip, citation, (cited) => this.handlers.open(cited, chip));
    return chip;
  }

  drawBroken() {
    const { turn } = this;
    const partial = (turn.partial ?? "").replace(HALF_MARKER, "");
    if (partial) fill(this.prose, renderAnswer(partial, { citations: turn.citations ?? [], chip: (citation) => this.chip(citation) }));
    this.state.hidden = false;
    if (turn.status === "stopped") mark(this.state, "t", turn.partial ? "chat.stopped" : "chat.stopped.empty");
    else if (turn.partial) mark(this.state, "t", "chat.cut");
    else this.state.hidden = true;
    const told = turn.partial && turn.error?.code === "offline";
    const text = turn.status === "failed" && !told ? (turn.error?.text ?? "") : "";
    const id = turn.error?.requestId;
    fill(
      this.extra,
      text && h("p", { class: "notice bad" }, text, id && h("span", { class: "muted request-id" }, t("error.id", { id }))),
      h(
        "div",
        { class: "actions" },
        button("chat.again", () => this.handlers.retry(turn), {}, "retry"),
      ),
    );
  }

  drawAnswer(answer) {
    this.state.hidden = true;
    const refused = answer.status === "refused";
    const shown = refused ? (answer.refusal?.nearest ?? []) : (answer.citations ?? []);
    this.classList.toggle("refused", refused);
    this.prose.lang = this.asked.lang = answer.language ?? "";
    const parts = {
      segments: withLanguages(answer),
      highlights: answer.highlights,
      citations: refused ? [] : shown,
      chip: (citation) => this.chip(citation),
    };
    fill(this.prose, renderAnswer(refused ? (answer.refusal?.message ?? answer.answer) : answer.answer, parts));
    this.linkSegments(answer);
    fill(this.extra, this.notes(answer), this.quotes(answer, shown, refused), this.actions(answer), this.next);
    this.drawNext();
  }

  /** Questions to go on with. They stand under the last answer only: the style sheet hides the others. */
  drawNext() {
    const ideas = this.turn.next ?? [];
    this.next.hidden = !ideas.length;
    if (!ideas.length) return;
    const idea = ({ question, language: lang }) =>
      h("li", {}, h("button", { type: "button", class: "idea", lang, on: { click: () => this.handlers.send(question) } }, question));
    fill(this.next, h("h3", { t: "suggest.next" }), h("ul", {}, ideas.map(idea)));
  }

  /** Pointing at a chip shades the sentence that it stands behind. */
  linkSegments(answer) {
    for (const chip of this.prose.querySelectorAll(".chip")) {
      const shade = (on) => {
        answer.segments?.forEach((segment, i) => {
          if (!segment.citation_ids.includes(chip.dataset.cite)) return;
          for (const part of this.prose.querySelectorAll(`[data-segment="${i}"]`)) part.classList.toggle("shaded", on);
        });
      };
      for (const type of ["pointerenter", "focus"]) chip.addEventListener(type, () => shade(true));
      for (const type of ["pointerleave", "blur"]) chip.addEventListener(type, () => shade(false));
    }
  }

  notes(answer) {
    const lines = [];
    const add = (key, values, kind = "") => lines.push(h("p", { class: `notice ${kind}`, t: [key, values] }));
    if (answer.standalone_question && answer.standalone_question !== answer.question)
      add("chat.standalone", { question: answer.standalone_question });
    if (answer.status === "partial") add("chat.partial", {});
    for (const note of answer.notes ?? []) lines.push(this.note(note, answer));
    const degraded = answer.retrieval?.degraded ?? [];
    if (degraded.includes("llm")) add("chat.fallback", {}, "warn");
    const others = degraded.filter((part) => part !== "llm");
    if (others.length) add("chat.degraded", { parts: partNames(others) }, "warn");
    return lines;
  }

  /** A note of the service's own: that sources disagree, above all. Its shape may grow, so only known parts are read. */
  note(note, answer) {
    const conflict = /conflict|disagree/.test(note.kind ?? note.code ?? note.type ?? "");
    const ids = note.citation_ids ?? [];
    const cited = (answer.citations ?? []).filter((citation) => ids.includes(citation.id));
    const values = (note.values ?? []).map((value) => (typeof value === "object" ? (value.text ?? value.value) : value)).filter(Boolean);
    return h(
      "div",
      { class: `notice ${conflict ? "conflict" : ""}` },
      h("strong", { t: conflict ? "chat.conflict" : "chat.note" }),
      h(
        "span",
        { class: "note-text" },
        note.message ?? note.text ?? values.join(" / "),
        cited.map((citation) => this.chip(citation)),
      ),
    );
  }

  quotes(answer, shown, refused) {
    // Where no leg searched, as after a greeting, nothing could come near.
    const searched = answer.refusal?.code !== "empty_corpus" && answer.retrieval?.legs?.length !== 0;
    if (!shown.length) return refused && searched && h("p", { class: "muted", t: "chat.nearest.none" });
    return h(
      "section",
      { class: "quotes" },
      h("h3", { t: refused ? "chat.nearest" : "chat.quotes" }),
      h(
        "ol",
        { class: "quote-list" },
        shown.map((citation, i) => this.quote(citation, answer, i + 1, refused)),
      ),
    );
  }

  quote(citation, answer, rank, refused) {
    const copy = async () => announce(t((await copyText(citation.cited_text)) ? "copied" : "copy.failed"));
    const open = h(
      "button",
      { type: "button", class: "quote-source", on: { click: () => this.handlers.open(citation, open) } },
      h("span", { class: "quote-title", lang: citation.language }, citation.document_title),
      pageNote(citation),
    );
    return h(
      "li",
      { class: "quote-item", data: { cite: citation.id } },
      !refused && h("span", { class: "quote-number", "aria-hidden": "true" }, String(citation.index)),
      h(
        "div",
        { class: "quote-main" },
        renderQuote(citation),
        h(
          "div",
          { class: "quote-foot" },
          open,
          !refused && checkNote(citation),
          citation.ocr && h("span", { class: "muted", t: "cite.ocr" }),
          button("cite.copy", copy, { class: "button link" }),
          whyBox(citation, answer, rank),
        ),
      ),
    );
  }

  actions(answer) {
    const copy = async () => announce(t((await copyText(footnoted(answer))) ? "answer.copied" : "copy.failed"));
    const origin = answer.llm_generated ? ["chat.generated", { model: answer.model }] : "chat.extractive";
    const dropped = answer.verification?.dropped ?? 0;
    return [
      h(
        "p",
        { class: "origin muted" },
        answer.status !== "refused" && h("span", { t: origin }),
        dropped > 0 && h("span", { t: ["chat.dropped", { n: dropped }] }),
      ),
      h(
        "div",
        { class: "actions" },
        button("answer.copy", copy, {}, "copy"),
        button("chat.again", () => this.handlers.retry(this.turn), {}, "retry"),
        feedbackBox(this.turn, this.handlers.save),
      ),
    ];
  }
}

/** Show in an answer which of its citations is open in the source panel; none with `id` null. */
export function showCurrent(id, from = null) {
  for (const chip of document.querySelectorAll(".chip[aria-current]")) chip.removeAttribute("aria-current");
  for (const item of document.querySelectorAll(".quote-item.current")) item.classList.remove("current");
  const turn = id && from?.closest("wj-turn");
  if (!turn) return;
  for (const chip of turn.querySelectorAll(`.chip[data-cite="${CSS.escape(id)}"]`)) chip.setAttribute("aria-current", "true");
  turn.querySelector(`.quote-item[data-cite="${CSS.escape(id)}"]`)?.classList.add("current");
}

customElements.define("wj-turn", TurnElement);
