// The source beside the answer: a page's text with the cited span marked, or its image with a box around it.

import { ApiError, currentKey, fileAddress, getBlob, getDocument, getPage, pageImageAddress } from "./api.js";
import { announce, copyText, fill, h, iconButton } from "./dom.js";
import { onEnter } from "./composer.js";
import { mark, number, t } from "./i18n.js";
import { carry, locate, renderPage } from "./page-view.js";
import { saveSetting, settings } from "./store.js";

const ZOOMS = [1, 1.5, 2, 3];
const OTHER_SCRIPT = { "zh-Hans": "zh-Hant", "zh-Hant": "zh-Hans" };
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
    const head = h("div", { class: "source-head" }, h("div", {}, this.title_, this.sub), iconButton("close", "close", () => this.close()));
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
    const address = new URLSearchParams(citation.url?.split("?")[1] ?? "");
    const page = citation.page ?? (Number.parseInt(address.get("page") ?? "1", 10) || 1);
    this.linked = false;
    this.from = from;
    this.current(citation.id, from);
    this.open({
      id: citation.document_id, title: citation.document_title, language: citation.language, page, at: page, rects: citation.rects ?? [],
      start: citation.start_char_index, end: citation.end_char_index, cited: citation.cited_text, paged: citation.type === "page_location",
    });
  }

  /** Open at an address; the document's own facts are still to be fetched. */
  async openAddress(id, page, start, end) {
    if (this.linked && this.isOpen && this.place?.id === id && this.place.page === page && this.place.start === start) return;
    this.linked = true;
    this.from = null;
    const place = { id, title: "", language: "", page, at: page, start, end, rects: [], cited: "", paged: false };
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

  open(place) {
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
    this.current(null);
    this.place = null;
    this.release();
    if (this.linked && navigate) location.hash = "#/documents";
    this.linked = false;
    if (navigate && this.from?.isConnected) this.from.focus();
    return true;
  }

  /** Show in the answer which citation is open. */
  current(id, from = null) {
    for (const chip of document.querySelectorAll(".chip[aria-current]")) chip.removeAttribute("aria-current");
    for (const item of document.querySelectorAll(".quote-item.current")) item.classList.remove("current");
    const turn = id && from?.closest("wj-turn");
    if (!turn) return;
    for (const chip of turn.querySelectorAll(`.chip[data-cite="${CSS.escape(id)}"]`)) chip.setAttribute("aria-current", "true");
    turn.querySelector(`.quote-item[data-cite="${CSS.escape(id)}"]`)?.classList.add("current");
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

  fail(error, place) {
    if (this.place !== place) return;
    const text = error instanceof ApiError && error.status !== 404 ? error.text : t("source.gone");
    delete this.title_.dataset.t;
    this.title_.textContent = place.title;
    delete this.body.dataset.t;
    fill(this.notes);
    fill(this.toolbar);
    fill(this.body, h("p", { class: "notice bad" }, text), h("button", { type: "button", class: "button quiet", t: "retry", on: { click: () => (place.title ? this.load() : this.openAgain(place)) } }));
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
    if (shown.converted) this.note("source.converted.note");
    if (approximate) this.note(spans.length ? "source.approximate" : "source.unplaced", "warn");
    const lang = shown.converted ? OTHER_SCRIPT[place.language] : place.language;
    fill(this.body, shown.text ? h("div", { class: "page-text", lang, dir: "auto" }, renderPage(shown, spans)) : h("p", { class: "muted", t: "source.empty" }));
    this.toMark();
  }

  toMark() {
    const first = this.body.querySelector("mark.cited, .page-box");
    if (!first) this.body.scrollTop = 0;
    else first.scrollIntoView({ block: "center", inline: "nearest", behavior: still() ? "instant" : "auto" });
  }

  async drawImage() {
    const { place } = this;
    const cited = place.page === place.at;
    const address = pageImageAddress(place.id, place.page, cited ? place.start : 0, cited ? place.end : 0);
    const alt = t("source.image.alt", { title: place.title, page: place.page });
    const boxes = cited ? place.rects.filter((rect) => rect.page === place.page).map((rect) => this.box(rect)) : [];
    const image = h("img", { class: "page-image", alt });
    const sheet = h("div", { class: "page-sheet" }, image, boxes);
    const failed = () => {
      if (this.place !== place || !sheet.isConnected) return;
      this.view = "text";
      this.draw();
      this.note("source.image.none", "warn");
    };
    image.addEventListener("load", () => this.toMark(), { once: true });
    image.addEventListener("error", failed, { once: true });
    fill(this.body, sheet);
    this.setZoom(this.zoom);
    this.release();
    if (!currentKey()) {
      image.src = address;
      return;
    }
    try {
      this.blob = URL.createObjectURL(await getBlob(address, this.loading.signal));
      image.src = this.blob;
    } catch {
      failed();
    }
  }

  box(rect) {
    const box = h("div", { class: "page-box", "aria-hidden": "true" });
    const share = (value) => `${value * 100}%`;
    Object.assign(box.style, { left: share(rect.x0), top: share(rect.y0), width: share(rect.x1 - rect.x0), height: share(rect.y1 - rect.y0) });
    return box;
  }

  setZoom(step) {
    this.zoom = Math.max(0, Math.min(ZOOMS.length - 1, step));
    const sheet = this.body.querySelector(".page-sheet, .page-text");
    if (sheet?.classList.contains("page-sheet")) sheet.style.width = `${ZOOMS[this.zoom] * 100}%`;
    else if (sheet) sheet.style.fontSize = `${1 + this.zoom * 0.2}rem`;
  }

  drawTools() {
    const { place } = this;
    const count = place.count ?? 1;
    const pick = (on, label, act) => h("button", { type: "button", class: "pick", t: label, "aria-pressed": String(on), on: { click: act } });
    const script = OTHER_SCRIPT[place.language];
    const views = place.paged && h("div", { class: "picks", role: "group", tLabel: "source.view" }, ["text", "image"].map((view) =>
      pick(this.view === view, `source.${view}`, () => this.setView(view))));
    const scripts = script && this.view === "text" && h("div", { class: "picks", role: "group", tLabel: "source.script" },
      pick(!this.converted, "source.original", () => this.setConverted(false)), pick(this.converted, `source.converted.${script}`, () => this.setConverted(true)));
    const focused = this.toolbar.contains(document.activeElement) ? document.activeElement.dataset.tLabel ?? document.activeElement.dataset.t : "";
    fill(this.toolbar, views, scripts, count > 1 && this.pager(count), h("div", { class: `picks plain zoom ${this.view}` },
      iconButton("minus", "source.zoom.out", () => this.setZoom(this.zoom - 1)), iconButton("plus", "source.zoom.in", () => this.setZoom(this.zoom + 1))),
      h("div", { class: "picks plain" },
      iconButton("link", "source.link", () => this.copyLink()), iconButton("save", "source.download", () => this.download())));
    mark(this.sub, "t", ...(place.paged ? this.pageWords() : ["source.text"]));
    this.sub.hidden = !place.paged;
    if (focused) this.toolbar.querySelector(`[data-t-label="${focused}"]:not(:disabled), [data-t="${focused}"]:not(:disabled)`)?.focus();
  }

  pageWords() {
    const { page, label } = this.place;
    return label && label !== String(page) ? ["cite.page.label", { page, label }] : ["cite.page", { page }];
  }

  pager(count) {
    const { page } = this.place;
    const input = h("input", { type: "text", inputmode: "numeric", class: "page-number", tLabel: "source.goto", value: String(page) });
    const go = () => this.go(Number.parseInt(input.value.normalize("NFKC"), 10) || page);
    onEnter(input, go);
    input.addEventListener("change", go);
    const away = page !== this.place.at && this.place.end > this.place.start;
    return h("div", { class: "picks plain" },
      iconButton("left", "source.previous", () => this.go(page - 1), { disabled: page <= 1 }), input,
      h("span", { class: "muted", t: ["source.of", { n: number(count) }] }),
      iconButton("right", "source.next", () => this.go(page + 1), { disabled: page >= count }),
      away && h("button", { type: "button", class: "button link", t: "source.back", on: { click: () => this.go(this.place.at) } }));
  }

  go(page) {
    const wanted = Math.max(1, Math.min(this.place.count ?? 1, page));
    if (wanted === this.place.page) return;
    this.place.page = wanted;
    if (this.linked) history.replaceState(null, "", this.address());
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

  address() {
    const { id, page, at, start, end } = this.place;
    const span = page === at && end > start ? `&start=${start}&end=${end}` : "";
    return `#/documents/${encodeURIComponent(id)}?page=${page}${span}`;
  }

  async copyLink() {
    announce(t((await copyText(`${location.origin}${location.pathname}${this.address()}`)) ? "copied" : "copy.failed"));
  }

  async download() {
    const { id } = this.place;
    let href = fileAddress(id);
    if (currentKey()) href = URL.createObjectURL(await getBlob(href));
    const link = h("a", { href, download: "" });
    this.append(link);
    link.click();
    link.remove();
    if (href.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(href), 10_000);
  }

  onKey(event) {
    if (event.target.closest("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || this.zoom > 0 || !this.place?.count) return;
    event.preventDefault();
    this.go(this.place.page + step);
  }
}

customElements.define("wj-source", SourceElement);
