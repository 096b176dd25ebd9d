// Puts the page together: settings, routes, keys of the keyboard, and the ways between the parts.

import { onKeyNeeded, setKey, version, evals as evalRuns } from "./api.js";
import "./banner.js";
import { closeCard } from "./card.js";
import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { dialog, fill, h, icon, isComposing } from "./dom.js";
import { mark, onLanguage, preferred, setLanguage, t } from "./i18n.js";
import "./turn.js";
import "./source-panel.js";
import "./library.js";
import "./history.js";
import "./evals.js";
import { drawScope } from "./scope-picker.js";
import { readsSentences, setReadsSentences } from "./spoken.js";
import { saveSetting, settings } from "./store.js";

const $ = (id) => document.getElementById(id);
const source = document.querySelector("wj-source");
const library = document.querySelector("wj-library");
const narrow = matchMedia("(max-width: 1099px)");
const banner = $("banner");
let composer = null;

const chat = new Chat(
  { scroller: $("scroller"), turns: $("turns"), welcome: $("welcome"), suggest: $("suggestions"), jump: $("jump") },
  {
    composer: () => composer,
    open: (citation, from) => source.openCitation(citation, from),
    onTrouble: () => banner.watch(),
    onChat: (id) => {
      history.replaceState(null, "", `#/chats/${id}`);
      selectChat(id);
    },
  },
);
composer = new Composer(
  { form: $("composer"), input: $("question"), send: $("send"), stop: $("stop"), counter: $("counter") },
  { onSend: (text) => chat.send(text), onStop: () => chat.stop() },
);

/** The conversation that is shown: marked in the history, and where "ask" leads back to from another view. */
function selectChat(id) {
  document.querySelector("wj-history").select(id);
  document.querySelector('.nav a[data-view="ask"]').setAttribute("href", id ? `#/chats/${encodeURIComponent(id)}` : "#/");
}

function showView(name) {
  for (const view of document.querySelectorAll("main > .view")) view.hidden = view.dataset.view !== name;
  for (const link of document.querySelectorAll(".nav a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const key = name === "ask" ? "" : `${t(`nav.${name}`)} · `;
  document.title = `${key}問據 Wenju`;
}

/** `#/`, `#/chats/ID`, `#/documents`, `#/documents/ID?page=&start=&end=`, `#/evals`, `#/evals/ID`; other hashes are places on the page. */
function route() {
  const address = location.hash || "#/";
  if (!address.startsWith("#/")) return;
  const [path, query = ""] = address.slice(2).split("?");
  const [view, id = ""] = path.split("/").map((part) => decodeURIComponent(part));
  closeCard();
  closeHistory();
  if (view === "documents") {
    showView("documents");
    library.show();
    const at = new URLSearchParams(query);
    const place = (name) => Math.max(0, Number.parseInt(at.get(name) ?? "", 10) || 0);
    if (id) source.openAddress(id, place("page") || 1, place("start"), place("end"));
    else source.close(false);
    return;
  }
  if (source.linked) source.close(false);
  if (view === "evals") {
    showView("evals");
    document.querySelector("wj-evals").show(id);
    return;
  }
  showView("ask");
  if (!chat.show(view === "chats" ? id : "")) history.replaceState(null, "", "#/");
  selectChat(chat.chat?.id);
  if (!narrow.matches) $("question").focus();
}

function closeHistory() {
  $("history").classList.remove("open");
  $("menu").setAttribute("aria-expanded", String(!narrow.matches && !$("frame").classList.contains("no-history")));
}

function toggleHistory() {
  if (!narrow.matches) {
    const hidden = $("frame").classList.toggle("no-history");
    $("menu").setAttribute("aria-expanded", String(!hidden));
    return;
  }
  const open = $("history").classList.toggle("open");
  $("menu").setAttribute("aria-expanded", String(open));
  if (open) $("history").querySelector("button, a")?.focus();
}

const THEMES = { system: "system", light: "sun", dark: "moon" };

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  fill($("theme"), icon(THEMES[name]));
  mark($("theme"), "tLabel", `theme.${name}`);
}

function nextTheme() {
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
  saveSetting("theme", next);
  setTheme(next);
}

const SHORTCUTS = [
  ["/", "focus"],
  ["Enter", "send"],
  ["Shift + Enter", "newline"],
  ["Esc", "escape"],
  ["[  ]", "cites"],
  ["←  →", "pages"],
  ["?", "this"],
];

async function showHelp() {
  const about = h("p", { class: "muted" });
  version().then(
    (build) => mark(about, "t", "help.version", { version: build.version ?? build.wenju ?? "" }),
    () => about.remove(),
  );
  const sentences = h("input", {
    type: "checkbox",
    checked: readsSentences(),
    on: { change: (event) => setReadsSentences(event.target.checked) },
  });
  const rows = SHORTCUTS.map(([keys, what]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", { t: `help.${what}` })]);
  await dialog("help.title", [
    h("dl", { class: "facts keys" }, rows),
    h("label", { class: "choice" }, sentences, h("span", { t: "help.sentences" })),
    about,
  ], [["", "close"]]);
}

/** Step through the citations on the page: from the focused one, or from the start. */
function stepCitation(step) {
  const chips = [...document.querySelectorAll(".answer-text .chip")];
  if (!chips.length) return;
  const at = chips.indexOf(document.activeElement);
  const next = chips[at < 0 ? (step > 0 ? 0 : chips.length - 1) : (at + step + chips.length) % chips.length];
  next.focus({ focusVisible: true });
  next.scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  if (isComposing(event) || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    const done =
      closeCard() ||
      ($("history").classList.contains("open") && (toggleHistory(), $("menu").focus(), true)) ||
      source.close() ||
      chat.stop();
    if (done) event.preventDefault();
    return;
  }
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const acts = { "/": () => $("question").focus(), "[": () => stepCitation(-1), "]": () => stepCitation(1), "?": showHelp };
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
}

let asking = null;

/** One question for the key, however many requests wait for it. */
function askForKey() {
  asking ??= (async () => {
    const input = h("input", { type: "password", autocomplete: "off", name: "key", required: true });
    const field = h("label", { class: "field" }, h("span", { t: "key.label" }), input);
    const form = h("form", { method: "dialog" }, h("p", { t: "key.text" }), field);
    form.addEventListener("submit", () => form.closest("dialog").close("use"));
    const used =
      (await dialog("key.title", form, [
        ["", "cancel"],
        ["use", "key.use", "primary"],
      ])) === "use" && input.value.trim() !== "";
    if (used) setKey(input.value.trim());
    asking = null;
    return used;
  })();
  return asking;
}

function start() {
  const saved = settings();
  setLanguage(preferred(saved.language));
  $("language").value = document.documentElement.lang;
  setTheme(saved.theme in THEMES ? saved.theme : "system");
  fill($("menu"), icon("menu"));
  fill($("help"), icon("help"));
  $("language").addEventListener("change", (event) => {
    saveSetting("language", event.target.value);
    setLanguage(event.target.value);
  });
  $("theme").addEventListener("click", nextTheme);
  $("help").addEventListener("click", showHelp);
  $("menu").addEventListener("click", toggleHistory);
  $("skip").addEventListener("click", (event) => {
    event.preventDefault();
    location.hash.startsWith("#/documents") || location.hash.startsWith("#/evals") ? $("main").focus() : $("question").focus();
  });
  // A file dropped beside the library would otherwise replace the page.
  addEventListener("dragover", (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
  addEventListener("drop", (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    location.hash = "#/documents";
    library.uploads.add(files);
  });
  addEventListener("keydown", onKey);
  addEventListener("hashchange", route);
  narrow.addEventListener("change", closeHistory);
  onKeyNeeded(askForKey);
  onLanguage(() => drawScope($("scope")));
  drawScope($("scope"));
  banner.onBack(() => chat.loadIdeas());
  library.addEventListener("changed", () => {
    chat.loadIdeas();
    chat.checkSources();
    banner.check();
  });
  chat.loadIdeas();
  banner.check();
  evalRuns().then(
    () => ($("nav-evals").hidden = false),
    () => {},
  );
  route();
}

start();
