// The only place that makes elements. Text goes in as text: there is no way here to pass markup, a style or a handler as a string.

import { mark } from "./i18n.js";

const SVG = "http://www.w3.org/2000/svg";
const SAFE_ADDRESS = /^(#|\/(?!\/)|blob:)/;

/**
 * Make an element. `props`: `class`, `t` (a key of the string tables, or [key, values]), `tLabel`, `tPlaceholder`, `on` (listeners),
 * `data`, and plain attributes. Addresses may only be of this origin.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  append(element, children);
  return element;
}

function set(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name === "class") element.className = value;
  else if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
  else if (name === "data") Object.assign(element.dataset, value);
  else if (name === "t" || name === "tLabel" || name === "tPlaceholder") mark(element, name, ...[value].flat());
  else if (name === "value" || name === "checked" || name === "indeterminate") element[name] = value;
  else if (name === "style" || name === "srcdoc" || /^on/i.test(name)) throw new TypeError(`not an attribute to set: ${name}`);
  else if ((name === "href" || name === "src") && !SAFE_ADDRESS.test(value)) throw new TypeError("address of another origin");
  else element.setAttribute(name, value === true ? "" : String(value));
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) element.append(child);
  }
}

export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

// Drawn for this page on a 20 × 20 grid.
const ICONS = {
  menu: "M3 5.5h14M3 10h14M3 14.5h9",
  close: "M5 5l10 10M15 5L5 15",
  left: "M12.5 4.5L7 10l5.5 5.5",
  right: "M7.5 4.5L13 10l-5.5 5.5",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  copy: "M7 7h9v9H7zM13 4H4v9",
  link: "M8.5 11.5l3-3M9 6.5l2-2a3.2 3.2 0 0 1 4.5 4.5l-2 2M11 13.5l-2 2A3.2 3.2 0 0 1 4.5 11l2-2",
  up: "M4 9h3v8H4zM7 9l3-6c1.6 0 2.2 1 2 2.5L11.5 8H16l-1 8H7",
  down: "M16 11h-3V3h3zM13 11l-3 6c-1.6 0-2.2-1-2-2.5l.5-2.5H4l1-8h8",
  retry: "M15.5 7A6 6 0 1 0 16 11M16 3.5V7.5h-4",
  edit: "M4 16l.8-3.2L13 4.5l2.5 2.5-8.3 8.2z",
  trash: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6",
  save: "M10 3v9M6 9l4 4 4-4M4 16.5h12",
  sun:
    "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 2v1.5M10 16.5V18" +
    "M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  moon: "M15.5 12A6.5 6.5 0 0 1 8 4.5 6.5 6.5 0 1 0 15.5 12z",
  system: "M3 4.5h14v9H3zM7.5 16.5h5M10 13.5v3",
  help: "M7.5 7.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M10 14.8v.2",
  funnel: "M3.5 5h13L11.5 11v4.5l-3 1V11z",
  upload: "M10 14V4M6 8l4-4 4 4M4 16.5h12",
  check: "M4.5 10.5l3.5 3.5 7.5-8",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export const iconButton = (name, label, click, props = {}) =>
  h("button", { type: "button", class: "icon-button", tLabel: label, on: { click }, ...props }, icon(name));

/** A button with words; `mark` owns its whole text, so the words sit in a span of their own when there is an icon. */
export const button = (label, click, props = {}, name = "") =>
  h("button", { type: "button", class: "button quiet", on: { click }, ...props }, name && icon(name), h("span", { t: label }));

/** Tell a screen reader, politely and once; the answer itself is not a live region. `quoted` goes before, in its own language. */
export function announce(text, quoted = "", lang = "") {
  const status = document.getElementById("status");
  const before = status.textContent;
  if (quoted) fill(status, h("span", { lang: lang || null }, text ? `${quoted} ` : quoted), text);
  else fill(status, text);
  if (status.textContent === before) status.append("\u00a0");
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "visually-hidden", value: text, "aria-hidden": "true" });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Offer a text as a file to save. */
export function saveFile(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = h("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/**
 * Whether a key event belongs to an input method. Safari ends a composition before the Enter that confirmed it, and says only
 * `keyCode` 229; every input that reacts to a key asks here.
 */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** A modal dialog that leaves nothing behind; resolves to the value of the button pressed, "" when dismissed. */
export function dialog(title, body, actions) {
  return new Promise((resolve) => {
    const box = h(
      "dialog",
      { class: "dialog", "aria-labelledby": "dialog-title" },
      h("h2", { id: "dialog-title", t: title }),
      body,
      h(
        "div",
        { class: "dialog-actions" },
        actions.map(([value, label, kind = "quiet"]) =>
          h("button", { type: "button", class: `button ${kind}`, t: label, data: { value }, on: { click: () => box.close(value) } }),
        ),
      ),
    );
    box.addEventListener("close", () => {
      box.remove();
      resolve(box.returnValue);
    });
    box.addEventListener("click", (event) => event.target === box && box.close(""));
    document.body.append(box);
    box.showModal();
  });
}

export const confirmed = async (title, text, action) =>
  (await dialog(title, h("p", {}, text), [
    ["", "cancel"],
    ["yes", action, "danger"],
  ])) === "yes";
