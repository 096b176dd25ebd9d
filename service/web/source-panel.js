// The source beside the answer: a page's text with the cited span marked, or its image with a box around it.

import { ApiError, getDocument, getPage } from "./api.js";
import { announce, button, copyText, fill, h, iconButton } from "./dom.js";
import { lookFor } from "./gone.js";
import { mark, t } from "./i18n.js";
import { pageSheet } from "./page-image.js";
import { carry, locate, renderPage } from "./page-view.js";
import { pageKey } from "./render.js";
import { addressOf, placeAt, placeOf } from "./source-place.js";
import { OTHER_SCRIPT, sourceTools } from "./source-tools.js";
import { saveSetting, settings } from "./store.js";
import { showCurrent } from "./turn.js";

const ZOOMS = [1, 1.5, 2, 3];
const covering = matchMedia("(max-width: 1099px)");
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export class SourceElement extends HTMLElement {
  connectedCallback() {
    if (this.body) return;
    this.place = null;
    this.linked = false;
    this.title_ = h("h2", { class: "source-title", tabindex: "-1" });
    this.sub = h("p", { class: "muted source-sub" });
    this.toolbar = h("div", { class: "source-tools" });
    this.notes = h("div", { class: "source-notes" });
    this.body = h("div", { class: "source-body", tabindex: "0", role: "region", tLabel: "source.label" });
    const head = h(
      "div",
      { class: "source-head" },
      h("div", {}, this.title_, this.sub),
      iconButton("close", "close", () => this.close()),
    );
    fill(this, head, this.toolbar, this.notes, this.body);
    this.addEventListener("keydown", (event) => this.onKey(event));
    covering.addEventListener("change", () => this.cover());
  }

  get aside() {
    return this.parentElement;
  }

  get isOpen() {
    return !this.aside.hidden;
  }

  /** Open at a citation; `from` gets the focus back. */
  openCitation(citation, from = null) {
    this.linked = false;
    this.from = from;
    showCurrent(citation.id, from);
    this.open(placeOf(citation));
  }

  /** Open at an address; the document's own facts are still to be fetched. */
  async openAddress(id, page, start, end) {
    if (this.linked && this.isOpen && this.place?.id === id && this.place.page === page && this.place.start === start) return;
    this.linked = true;
    this.from = null;
    const place = placeAt(id, page, start, end);
    this.empty(place);
    this.show();
    this.place = place;
    mark(this.title_, "t", "loading");
    try {
      const facts = await getDocument(id);
      Object.assign(place, { title: facts.title, language: facts.language, paged: facts.paged ?? /pdf/.test(facts.media_type ?? "") });
    } catch (error) {
      this.fail(error, place);
      return;
    }
    if (this.place === place) this.open(place);
  }

  /** Another document's text must not stand under this one's title while it loads. */
  empty(place) {
    if (this.place?.id === place.id && this.place.page === place.page) return;
    delete this.body.dataset.t;
    for (const part of [this.body, this.notes, this.toolbar]) fill(part);
  }

  open(place) {
    this.empty(place);
    this.place = place;
    this.converted = false;
    this.zoom = 0;
    this.view = place.paged && !this.linked && settings().view === "image" ? "image" : "text";
    delete this.title_.dataset.t;
    this.title_.textContent = place.title;
    this.title_.lang = place.language;
    this.show();
    this.title_.focus({ preventScroll: true });
    announce(t("source.opened", { title: place.title }));
    this.load();
  }

  show() {
    this.aside.hidden = false;
    document.body.classList.add("with-source");
    this.cover();
  }

  /** Where the panel lies over the page, what is under it takes no focus. */
  cover() {
    document.getElementById("main").inert = this.isOpen && covering.matches;
  }

  close(navigate = true) {
    if (!this.isOpen) return false;
    this.loading?.abort();
    this.aside.hidden = true;
    document.body.classList.remove("with-source");
    this.cover();
    showCurrent(null);
    this.place = null;
    this.release();
    if (this.linked && navigate) location.hash = "#/documents";
    this.linked = false;
    if (navigate && this.from?.isConnected) this.from.focus();
    return true;
  }

  release() {
    if (this.blob) URL.revokeObjectURL(this.blob);
    this.blob = "";
  }

  async load() {
    const { place } = this;
    this.loading?.abort();
    const control = (this.loading = new AbortController());
    const slow = setTimeout(() => mark(this.body, "t", "loading"), 150);
    try {
      const script = this.converted ? OTHER_SCRIPT[place.language] : "";
      const [original, shown] = await Promise.all([
        getPage(place.id, place.page, "", control.signal),
        script ? getPage(place.id, place.page, script, control.signal) : null,
      ]);
      if (this.loading !== control || this.place !== place) return;
      this.pages = { original, shown: shown ?? original };
      place.count = original.page_count;
      place.label = original.page_label;
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error, place);
      return;
    } finally {
      clearTimeout(slow);
    }
    delete this.body.dataset.t;
    this.draw();
  }

  async fail(error, place) {
    const missing = error.status === 404;
    const there = missing && (await lookFor(place.id));
    if (this.place !== place) return;
    const text = missing ? t(there ? "source.page.none" : "source.gone") : error instanceof ApiError ? error.text : t("error.bad");
    delete this.title_.dataset.t;
    this.title_.textContent = place.title || t("source.label");
    delete this.body.dataset.t;
    fill(this.notes);
    fill(this.toolbar);
    fill(
      this.body,
      h("p", { class: "notice bad" }, text),
      // What is not there comes no nearer by asking again.
      !missing && button("retry", () => (place.title ? this.load() : this.openAgain(place))),
    );
  }

  openAgain(place) {
    this.place = null;
    this.openAddress(place.id, place.page, place.start, place.end);
  }

  draw() {
    this.drawTools();
    fill(this.notes);
    if (this.view === "image") this.drawImage();
    else this.drawText();
  }

  note(key, kind = "") {
    this.notes.append(h("p", { class: `notice ${kind}`, t: key }));
  }

  drawText() {
    const { place } = this;
    const { original, shown } = this.pages;
    this.release();
    const wanted = place.page === place.at && place.end > place.start;
    const span = wanted ? locate(Array.from(original.text), place.start, place.end, place.cited) : null;
    if (wanted && !span) this.note("source.unplaced", "warn");
    const { spans, approximate } = shown === original ? { spans: span ? [span] : [], approximate: false } : carry(original, shown, span);
    if (original.ocr) this.note("cite.ocr");
    if (shown.converted) this.note("source.converted.note");
    if (approximate) this.note(spans.length ? "source.approximate" : "source.unplaced", "warn");
    const lang = shown.converted ? OTHER_SCRIPT[place.language] : place.language;
    fill(
      this.body,
      shown.text
        ? h("div", { class: "page-text", lang, dir: "auto" }, renderPage(shown, spans))
        : h("p", { class: "muted", t: "source.empty" }),
    );
    this.toMark();
  }

  toMark() {
    const first = this.body.querySelector("mark.cited, .page-box");
    if (!first) this.body.scrollTop = 0;
    else first.scrollIntoView({ block: "center", inline: "nearest", behavior: still() ? "instant" : "auto" });
  }

  drawImage() {
    const { place } = this;
    const failed = () => {
      if (this.place !== place || this.view !== "image") return;
      this.view = "text";
      this.draw();
      this.note("source.image.none", "warn");
    };
    this.release();
    const sheet = pageSheet(place, {
      signal: this.loading.signal,
      onLoad: () => this.toMark(),
      onFail: failed,
      onBlob: (blob) => (this.blob = blob),
    });
    fill(this.body, sheet);
    this.setZoom(this.zoom);
  }

  setZoom(step) {
    this.zoom = Math.max(0, Math.min(ZOOMS.length - 1, step));
    const sheet = this.body.querySelector(".page-sheet, .page-text");
    if (sheet?.classList.contains("page-sheet")) sheet.style.width = `${ZOOMS[this.zoom] * 100}%`;
    else if (sheet) sheet.style.fontSize = `${1 + this.zoom * 0.2}rem`;
  }

  drawTools() {
    const { place } = this;
    const focused = this.toolbar.contains(document.activeElement)
      ? (document.activeElement.dataset.tLabel ?? document.activeElement.dataset.t)
      : "";
    fill(this.toolbar, sourceTools(this));
    mark(this.sub, "t", ...(place.paged ? pageKey({ page: place.page, page_label: place.label }) : ["source.text"]));
    this.sub.hidden = !place.paged;
    if (focused) this.toolbar.querySelector(`[data-t-label="${focused}"]:not(:disabled), [data-t="${focused}"]:not(:disabled)`)?.focus();
  }

  go(page) {
    const wanted = Math.max(1, Math.min(this.place.count ?? 1, page));
    if (wanted === this.place.page) return;
    this.place.page = wanted;
    if (this.linked) history.replaceState(null, "", addressOf(this.place));
    this.load();
  }

  setView(view) {
    this.view = view;
    saveSetting("view", view);
    this.draw();
  }

  setConverted(converted) {
    this.converted = converted;
    this.load();
  }

  async copyLink() {
    announce(t((await copyText(`${location.origin}${location.pathname}${addressOf(this.place)}`)) ? "copied" : "copy.failed"));
  }

  onKey(event) {
    if (event.target.closest("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    // Where the page is wider than the panel, these keys scroll it.
    const wide = event.target === this.body && this.body.scrollWidth > this.body.clientWidth;
    if (!step || wide || this.zoom > 0 || !this.place?.count) return;
    event.preventDefault();
    this.go(this.place.page + step);
  }
}

customElements.define("wj-source", SourceElement);
