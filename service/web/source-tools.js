// The source panel's tools: text or image, script, pages, zoom, link, file.

import { currentKey, fileAddress, getBlob } from "./api.js";
import { onEnter } from "./composer.js";
import { h, iconButton } from "./dom.js";
import { number } from "./i18n.js";

export const OTHER_SCRIPT = { "zh-Hans": "zh-Hant", "zh-Hant": "zh-Hans" };

const group = (label, ...picks) => h("div", { class: "picks", role: "group", tLabel: label }, picks);

const pick = (on, label, click) => h("button", { type: "button", class: "pick", t: label, "aria-pressed": String(on), on: { click } });

/** @param {import("./source-panel.js").SourceElement} panel */
export function sourceTools(panel) {
  const { place, view, converted } = panel;
  const script = OTHER_SCRIPT[place.language];
  const views = ["text", "image"].map((name) => pick(view === name, `source.${name}`, () => panel.setView(name)));
  const scripts = script && [
    pick(!converted, "source.original", () => panel.setConverted(false)),
    pick(converted, `source.converted.${script}`, () => panel.setConverted(true)),
  ];
  return [
    place.paged && group("source.view", views),
    script && view === "text" && group("source.script", scripts),
    h(
      "div",
      { class: "picks plain" },
      iconButton("link", "source.link", () => panel.copyLink()),
      iconButton("save", "source.download", () => download(panel.place.id)),
    ),
    place.count > 1 && pager(panel),
    h(
      "div",
      { class: `picks plain zoom ${view}` },
      iconButton("minus", "source.zoom.out", () => panel.setZoom(panel.zoom - 1)),
      iconButton("plus", "source.zoom.in", () => panel.setZoom(panel.zoom + 1)),
    ),
  ];
}

function pager(panel) {
  const { page, at, start, end, count } = panel.place;
  const input = h("input", { type: "text", inputmode: "numeric", class: "page-number", tLabel: "source.goto", value: String(page) });
  const go = () => panel.go(Number.parseInt(input.value.normalize("NFKC"), 10) || page);
  onEnter(input, go);
  input.addEventListener("change", go);
  const away = page !== at && end > start;
  return h(
    "div",
    { class: "picks plain" },
    iconButton("left", "source.previous", () => panel.go(page - 1), { disabled: page <= 1 }),
    input,
    h("span", { class: "muted", t: ["source.of", { n: number(count) }] }),
    iconButton("right", "source.next", () => panel.go(page + 1), { disabled: page >= count }),
    away && h("button", { type: "button", class: "button link", t: "source.back", on: { click: () => panel.go(at) } }),
  );
}

/** A link sends no key, so with a key the file is fetched and saved as a blob. */
async function download(id) {
  const href = currentKey() ? URL.createObjectURL(await getBlob(fileAddress(id))) : fileAddress(id);
  const link = h("a", { href, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
  if (href.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
