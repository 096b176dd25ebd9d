// The conversation: asks, streams, stops, keeps, and shows what was kept.

import { ApiError, ask, followUps, suggestions } from "./api.js";
import { announce, fill, h } from "./dom.js";
import { lookForAll } from "./gone.js";
import { language, onLanguage, t } from "./i18n.js";
import { filters } from "./scope.js";
import { unmarked } from "./render.js";
import { findChat, keepChat, newChat } from "./store.js";

const TURNS_OF_HISTORY = 6;
const FOLLOW_UPS = 3;
const MOST_OF_A_MESSAGE = 2000;
const NEAR_THE_END = 80; // px
const ABOVE = 24; // px of space over the running question

export class Chat {
  /** @param {{scroller, turns, welcome, suggest, jump}} parts  @param {{composer, open, onTrouble, onChat}} links */
  constructor(parts, links) {
    Object.assign(this, parts);
    this.links = links;
    this.chat = null;
    this.running = null;
    this.ideas = [];
    this.sticky = true;
    this.last = 0;
    this.atEnd = false;
    this.scroller.addEventListener("scroll", () => this.onScroll(), { passive: true });
    this.jump.addEventListener("click", () => this.toNewest());
    onLanguage(() => this.drawIdeas());
    new ResizeObserver(() => {
      if (this.running) this.follow();
      this.offerJump();
    }).observe(this.turns);
    new ResizeObserver(() => this.atEnd && !this.running && this.scrollTo(this.scroller.scrollHeight, false)).observe(this.scroller);
  }

  /** Show a kept conversation, or an empty page. */
  show(id) {
    const chat = id ? findChat(id) : null;
    if (chat && this.chat?.id === chat.id) return true;
    if (id && !chat) return this.chat?.id === id;
    this.stop();
    this.chat = chat ?? null;
    fill(
      this.turns,
      (chat?.turns ?? []).map((turn) => this.element(turn)),
    );
    this.welcome.hidden = Boolean(chat);
    this.sticky = false;
    this.scroller.scrollTop = chat ? this.scroller.scrollHeight : 0;
    lookForAll(chat);
    return true;
  }

  /** The library has changed: a source may be gone, or back. */
  checkSources() {
    lookForAll(this.chat, true);
  }

  element(turn) {
    if (turn.status === "busy" && this.running?.turn !== turn) turn.status = "stopped"; // Was running when the page was closed.
    const handlers = {
      open: (citation, from) => this.links.open(citation, from),
      retry: (old) => this.retry(old),
      send: (question) => this.send(question),
      save: () => this.keep(),
      grown: () => this.follow(),
    };
    return document.createElement("wj-turn").setup(turn, handlers);
  }

  keep() {
    if (this.chat) keepChat(this.chat);
  }

  send(question) {
    if (this.running) return;
    const fresh = !this.chat;
    this.chat ??= newChat(question);
    const turn = { question, status: "busy", partial: "", created: Date.now() };
    this.chat.turns.push(turn);
    keepChat(this.chat);
    this.run(turn);
    if (fresh) this.links.onChat(this.chat.id);
  }

  /** Ask a question anew, in its place. */
  retry(turn) {
    if (this.running || !this.chat?.turns.includes(turn)) return;
    const old = this.turns.children[this.chat.turns.indexOf(turn)];
    for (const name of ["answer", "error", "vote", "citations", "next"]) delete turn[name];
    Object.assign(turn, { status: "busy", partial: "" });
    this.run(turn, old);
  }

  async run(turn, old = null) {
    const control = new AbortController();
    const chat = this.chat;
    this.running = { control, turn };
    const element = this.element(turn);
    this.welcome.hidden = true;
    if (old) old.replaceWith(element);
    else this.turns.append(element);
    this.sticky = true;
    this.follow();
    this.links.composer().setBusy(true);
    try {
      turn.answer = await ask(this.body(chat, turn), { signal: control.signal, on: (name, payload) => element.onEvent(name, payload) });
      turn.status = "done";
      delete turn.partial;
    } catch (error) {
      this.broke(turn, element, error);
    }
    element.draw();
    this.follow();
    this.running = null;
    this.links.composer().setBusy(false);
    this.tell(turn, element);
    slim(turn);
    // Deleted while it ran: gone is gone.
    if (findChat(chat.id)) keepChat(chat);
    if (turn.answer) this.goOn(chat, turn, element);
  }

  /** Offer questions that the documents of an answer answer too, less those that were asked; without the service's help, none. */
  async goOn(chat, turn, element) {
    const { answer } = turn;
    const ids = [...new Set([...(answer.citations ?? []), ...(answer.refusal?.nearest ?? [])].map((citation) => citation.document_id))];
    if (!ids.length) return;
    const asked = new Set(chat.turns.map((one) => one.question));
    try {
      const { data } = await followUps(ids, FOLLOW_UPS + asked.size);
      const fresh = data.filter((idea) => typeof idea?.question === "string" && !asked.has(idea.question));
      const own = fresh.filter((idea) => idea.language === answer.language);
      turn.next = [...own, ...fresh.filter((idea) => !own.includes(idea))].slice(0, FOLLOW_UPS);
    } catch {
      return;
    }
    element.drawNext();
    if (findChat(chat.id)) keepChat(chat);
  }

  broke(turn, element, error) {
    turn.citations = element.citations;
    if (error.name === "AbortError") {
      turn.status = "stopped";
      return;
    }
    const known = error instanceof ApiError ? error : new ApiError("bad");
    if (!(error instanceof ApiError)) console.error(error);
    turn.status = "failed";
    turn.error = { code: known.code, text: known.text, requestId: known.requestId };
    if (known.code === "offline" || known.status === 503) this.links.onTrouble();
  }

  tell(turn, { spoken }) {
    if (turn.status === "failed") announce(turn.error.text);
    else if (turn.status === "stopped") announce(t(turn.partial ? "chat.stopped" : "chat.stopped.empty"));
    else if (turn.answer.status === "refused") spoken.finish(t("chat.refused"), turn.answer.refusal?.message ?? turn.answer.answer);
    else spoken.finish(t("chat.ready", { n: turn.answer.citations?.length ?? 0 }), turn.answer.answer);
  }

  /** The request: the question, what was said before it, and what the search is limited to. */
  body(chat, turn) {
    const before = chat.turns.slice(0, chat.turns.indexOf(turn)).filter((one) => one.answer && one.answer.status !== "refused");
    const cut = (text) => Array.from(text).slice(0, MOST_OF_A_MESSAGE).join("");
    const history = before.slice(-TURNS_OF_HISTORY).flatMap((one) => [
      { role: "user", content: cut(one.question) },
      { role: "assistant", content: cut(unmarked(one.answer)) },
    ]);
    const limits = filters();
    return {
      question: turn.question,
      language: "auto",
      explain: true,
      ...(history.length && { history }),
      ...(limits && { filters: limits }),
    };
  }

  stop() {
    this.running?.control.abort();
    return Boolean(this.running);
  }

  onScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
    if (scrollTop < this.last - 2) this.sticky = false;
    else if (atEnd) this.sticky = true;
    this.last = scrollTop;
    this.atEnd = atEnd;
    this.offerJump();
  }

  /** A way to the newest answer is offered while that answer lies below what is in sight. */
  offerJump() {
    const newest = this.turns.childElementCount > 1 ? this.turns.lastElementChild.getBoundingClientRect().top : 0;
    this.jump.hidden = newest < this.scroller.getBoundingClientRect().bottom - NEAR_THE_END;
  }

  /** Keep the end of the running answer in sight, but never scroll its beginning away: that is where people are reading. */
  follow() {
    if (!this.sticky || !this.chat?.turns.includes(this.running?.turn)) return;
    const element = this.turns.children[this.chat.turns.indexOf(this.running.turn)];
    this.scroller.scrollTop = this.startOf(element);
    this.last = this.scroller.scrollTop;
  }

  /** How far to scroll for a turn's beginning to be in sight, or for the end where the turn is short. */
  startOf(element) {
    const end = this.scroller.scrollHeight - this.scroller.clientHeight;
    if (!element) return end;
    const top = element.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top + this.scroller.scrollTop;
    return Math.min(end, top - ABOVE);
  }

  toNewest() {
    this.sticky = true;
    this.scrollTo(this.startOf(this.turns.lastElementChild));
  }

  scrollTo(top, smooth = true) {
    const still = !smooth || matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.scroller.scrollTo({ top, behavior: still ? "instant" : "smooth" });
  }

  /** Questions that the corpus can answer; a service without them leaves the space empty. */
  async loadIdeas() {
    try {
      const { data } = await suggestions();
      this.ideas = (data ?? []).filter((idea) => typeof idea?.question === "string");
    } catch {
      this.ideas = [];
    }
    this.drawIdeas();
  }

  drawIdeas() {
    // In the reader's own language; where the corpus has too little of it, the others after it.
    const own = this.ideas.filter((idea) => idea.language === language());
    const others = this.ideas.filter((idea) => idea.language !== language());
    const mine = (own.length < 2 ? [...own, ...others] : own).slice(0, 4);
    this.suggest.hidden = !mine.length;
    if (!mine.length) return;
    fill(
      this.suggest,
      h("h2", { t: "suggest.title" }),
      h(
        "ul",
        {},
        mine.map(({ question, language: lang }) =>
          h("li", {}, h("button", { type: "button", class: "idea", lang, on: { click: () => this.send(question) } }, question)),
        ),
      ),
    );
  }
}

/** Keep of the explanation only what "why this passage" shows: the rest is large and belongs to no reader. */
function slim(turn) {
  const explain = turn.answer?.explain;
  if (!explain) return;
  const used = new Set([...(turn.answer.citations ?? []), ...(turn.answer.refusal?.nearest ?? [])].map((citation) => citation.passage_id));
  turn.answer.explain = { hits: (explain.hits ?? []).filter((hit) => used.has(hit.passage_id)) };
}
