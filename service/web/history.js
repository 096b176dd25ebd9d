// The conversations kept on this device: open, search, rename, export, delete.

import { confirmed, fill, h, icon, isComposing } from "./dom.js";
import { onEnter } from "./composer.js";
import { saveJson, saveMarkdown } from "./export.js";
import { onLanguage, t, when } from "./i18n.js";
import { allChats, deleteAllChats, deleteChat, isPersistent, onChats, onFull, renameChat } from "./store.js";

const SEARCH_FROM = 8;
const fold = (text) => text.normalize("NFKC").toLowerCase();

export class HistoryElement extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.selected = "";
    this.search = h("input", {
      type: "search",
      tLabel: "history.search",
      tPlaceholder: "history.search",
      on: { input: () => this.draw() },
    });
    this.list = h("ul", { class: "chats" });
    this.note = h("p", { class: "muted small history-note" });
    const fresh = h("a", { class: "button quiet new-chat", href: "#/" }, icon("plus"), h("span", { t: "history.new" }));
    fresh.addEventListener("click", () => location.hash === "#/" && dispatchEvent(new HashChangeEvent("hashchange")));
    fill(this, h("h2", { class: "visually-hidden", t: "history.title" }), fresh, this.search, this.list, this.note);
    onChats(() => this.draw());
    onLanguage(() => this.draw());
    onFull(() => this.tell("history.full"));
    this.draw();
  }

  select(id = "") {
    this.selected = id;
    for (const link of this.list.querySelectorAll("a")) this.mark(link);
  }

  mark(link) {
    if (link.dataset.id === this.selected) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }

  tell(key) {
    fill(this.note, t(key));
  }

  draw() {
    const all = allChats();
    const wanted = fold(this.search.value.trim());
    const shown = all.filter(
      (chat) => !wanted || fold([chat.title, ...chat.turns.map((turn) => turn.question)].join("\n")).includes(wanted),
    );
    this.search.hidden = all.length < SEARCH_FROM && !wanted;
    fill(
      this.list,
      shown.map((chat) => this.row(chat)),
    );
    if (!isPersistent()) this.tell("history.memory");
    else this.tell(all.length ? "history.here" : "history.empty");
    if (all.length > 1)
      this.note.append(
        " ",
        h("button", { type: "button", class: "button link", t: "history.clear", on: { click: () => this.clear(all.length) } }),
      );
  }

  row(chat) {
    const link = h(
      "a",
      { href: `#/chats/${encodeURIComponent(chat.id)}`, data: { id: chat.id }, title: when(chat.updated) },
      chat.title || t("history.untitled"),
    );
    this.mark(link);
    const act = (label, click, name) =>
      h("button", { type: "button", class: "menu-item", on: { click } }, icon(name), h("span", { t: label }));
    const menu = h(
      "details",
      { class: "chat-menu", name: "chat-menu" },
      h("summary", { class: "icon-button", tLabel: ["history.menu", { title: chat.title }] }, "⋯"),
      h(
        "div",
        { class: "menu" },
        act("history.rename", () => this.rename(chat, row), "edit"),
        act("history.markdown", () => saveMarkdown(chat), "save"),
        act("history.json", () => saveJson(chat), "save"),
        act("history.delete", () => this.remove(chat), "trash"),
      ),
    );
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      event.preventDefault();
      event.stopPropagation();
      menu.open = false;
      menu.querySelector("summary").focus();
    });
    const row = h("li", { class: "chat" }, h("div", { class: "chat-line" }, link), menu);
    return row;
  }

  /** The name becomes a field in its place; Enter keeps, Escape does not, neither while composing. */
  rename(chat, row) {
    const input = h("input", { type: "text", value: chat.title, maxlength: 120, tLabel: "history.rename.label" });
    const back = () => {
      this.draw();
      this.list.querySelector(`a[data-id="${CSS.escape(chat.id)}"]`)?.focus();
    };
    const keep = () => {
      renameChat(chat.id, input.value || chat.title);
      back();
    };
    onEnter(input, keep);
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || isComposing(event)) return;
      event.stopPropagation();
      back();
    });
    fill(
      row,
      h(
        "div",
        { class: "rename" },
        input,
        h("button", { type: "button", class: "button primary", t: "history.save", on: { click: keep } }),
      ),
    );
    input.focus();
    input.select();
  }

  async remove(chat) {
    if (!(await confirmed("history.delete.title", t("history.delete.text", { title: chat.title }), "history.delete"))) return;
    deleteChat(chat.id);
    this.left(chat.id);
  }

  async clear(n) {
    if (!(await confirmed("history.clear", t("history.clear.text", { n }), "history.delete"))) return;
    deleteAllChats();
    this.left(this.selected);
  }

  /** The open conversation is gone: leave it. */
  left(id) {
    if (id && id === this.selected) location.hash = "#/";
    this.querySelector(".new-chat").focus();
  }
}

customElements.define("wj-history", HistoryElement);
