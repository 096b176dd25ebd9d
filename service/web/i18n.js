// The page's own words, in three languages written by hand. A language switch rewrites what is marked, so nothing is reloaded or lost.

import en from "./strings.en.js";
import hans from "./strings.zh-Hans.js";
import hant from "./strings.zh-Hant.js";

export const LANGUAGES = ["zh-Hant", "zh-Hans", "en"];
const TABLES = { "zh-Hant": hant, "zh-Hans": hans, en };
const ATTRIBUTES = { tLabel: "aria-label", tPlaceholder: "placeholder" };
const slots = new WeakMap();
const events = new EventTarget();
let current = "zh-Hant";

export const language = () => current;

/** Fill `{name}`, and `{name|one|many}` by the number in `name`. */
function fill(text, values) {
  return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name, one, many) => {
    if (!(name in values)) return whole;
    return one === undefined ? String(values[name]) : Number(values[name]) === 1 ? one : many;
  });
}

export function t(key, values = {}) {
  const text = TABLES[current][key];
  return text === undefined ? key : fill(text, values);
}

export const has = (key) => key in TABLES[current];

/** Mark an element's text (`what` = "t"), label ("tLabel") or placeholder ("tPlaceholder") as ours, and write it. */
export function mark(element, what, key, values = {}) {
  element.dataset[what] = key;
  const own = slots.get(element) ?? {};
  own[what] = values;
  slots.set(element, own);
  write(element, what);
  return element;
}

function write(element, what) {
  const text = t(element.dataset[what], slots.get(element)?.[what] ?? {});
  if (what === "t") {
    element.textContent = text;
    return;
  }
  element.setAttribute(ATTRIBUTES[what], text);
  if (what === "tLabel" && element.classList.contains("icon-button")) element.title = text;
}

function rewrite() {
  for (const element of document.querySelectorAll("[data-t]")) write(element, "t");
  for (const element of document.querySelectorAll("[data-t-label]")) write(element, "tLabel");
  for (const element of document.querySelectorAll("[data-t-placeholder]")) write(element, "tPlaceholder");
}

export function setLanguage(wanted) {
  current = LANGUAGES.includes(wanted) ? wanted : "zh-Hant";
  document.documentElement.lang = current;
  rewrite();
  events.dispatchEvent(new Event("change"));
}

export const onLanguage = (listener) => events.addEventListener("change", listener);

/** The language to start in: saved, else the browser's, else Traditional Chinese. */
export function preferred(saved) {
  if (LANGUAGES.includes(saved)) return saved;
  for (const tag of navigator.languages ?? []) {
    const lower = tag.toLowerCase();
    if (/^zh\b.*(hans|cn|sg|my)/.test(lower)) return "zh-Hans";
    if (lower.startsWith("zh")) return "zh-Hant";
    if (lower.startsWith("en")) return "en";
  }
  return "zh-Hant";
}

const LOCALES = { "zh-Hant": "zh-Hant-TW", "zh-Hans": "zh-Hans-CN", en: "en" };
export const locale = () => LOCALES[current];
export const number = (value) => new Intl.NumberFormat(locale()).format(value);
export const percent = (value) => new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 1 }).format(value);
export const collator = () => new Intl.Collator(locale(), { numeric: true });
export const languageName = (tag) => t(`language.${tag}`);

export function when(milliseconds) {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(milliseconds));
}

export function size(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(units.length - 1, Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1000)));
  const format = { style: "unit", unit: units[step], unitDisplay: "short", maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale(), format).format(bytes / 1000 ** step);
}
