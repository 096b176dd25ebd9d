// The button under the question box that says what is searched, and the dialog to choose it.

import { ApiError } from "./api.js";
import { button, dialog, fill, h, iconButton } from "./dom.js";
import { collator, languageName, mark, t } from "./i18n.js";
import { documents } from "./library.js";
import { clearScope, getScope, isLimited, onScope, setScope } from "./scope.js";

/** In words: "2 documents · English · 2024–". */
function words() {
  const scope = getScope();
  const parts = [];
  if (scope.documents.length === 1) parts.push(scope.documents[0].title);
  else if (scope.documents.length) parts.push(t("scope.documents", { n: scope.documents.length }));
  if (scope.languages.length) parts.push(scope.languages.map(languageName).join(", "));
  if (scope.tags.length) parts.push(t("scope.tags", { names: scope.tags.join(", ") }));
  if (scope.from || scope.to) parts.push(`${scope.from}–${scope.to}`);
  return parts.join(" · ");
}

export function drawScope(box) {
  if (!box.dataset.wired) {
    box.dataset.wired = "yes";
    onScope(() => drawScope(box));
  }
  const open = button("scope.all", () => choose(open), { "aria-haspopup": "dialog" }, "funnel");
  box.classList.toggle("limited", isLimited());
  fill(
    box,
    open,
    isLimited() &&
      iconButton("close", "scope.clear", () => {
        clearScope();
        box.querySelector("button").focus();
      }),
  );
  if (isLimited()) mark(open.querySelector("span"), "t", "scope.some", { what: words() });
}

const check = (value, label, on, lang) =>
  h("label", { class: "choice" }, h("input", { type: "checkbox", value, checked: on }), h("span", lang ? { lang } : {}, label));
const chosen = (group) => [...group.querySelectorAll("input:checked")].map((input) => input.value);

function group(title, choices, hidden = choices.length < 2) {
  return h("fieldset", { class: "choices", hidden }, h("legend", { t: title }), choices);
}

async function choose(opener) {
  const scope = getScope();
  let all = [];
  let trouble = "";
  try {
    all = await documents();
  } catch (error) {
    trouble = error instanceof ApiError ? error.text : t("error.bad");
  }
  const titles = new Map(all.map((one) => [one.id, one.title]));
  const picked = new Set(scope.documents.map((one) => one.id));
  const sorted = [...all].sort((a, b) => collator().compare(a.title, b.title));
  const rows = sorted.map((one) => check(one.id, one.title, picked.has(one.id), one.language));
  const list = h("div", { class: "choice-list" }, rows);
  const filter = h("input", { type: "search", tLabel: "scope.filter", tPlaceholder: "scope.filter" });
  filter.addEventListener("input", () => {
    const wanted = filter.value.normalize("NFKC").toLowerCase().trim();
    for (const row of rows) row.hidden = !row.textContent.normalize("NFKC").toLowerCase().includes(wanted);
  });
  const languages = group(
    "scope.languages",
    [...new Set(all.map((one) => one.language))].sort().map((one) => check(one, languageName(one), scope.languages.includes(one))),
  );
  const tagged = [...new Set(all.flatMap((one) => one.tags ?? []))].sort(collator().compare);
  const boxes = tagged.map((one) => check(one, one, scope.tags.includes(one)));
  // A library soon has a hundred tags: they scroll by themselves, after what is chosen more often.
  const tags = group("scope.tag", h("div", { class: "choice-list choices" }, boxes), boxes.length < 2);
  const from = h("input", { type: "date", value: scope.from });
  const to = h("input", { type: "date", value: scope.to });
  const dates = h(
    "fieldset",
    { class: "choices" },
    h("legend", { t: "scope.dates" }),
    h("label", { class: "choice" }, h("span", { t: "scope.from" }), from),
    h("label", { class: "choice" }, h("span", { t: "scope.to" }), to),
  );
  const body = h(
    "div",
    { class: "scope-body" },
    trouble && h("p", { class: "notice bad" }, trouble),
    languages,
    dates,
    h("fieldset", { class: "choices column-choices", hidden: !all.length }, h("legend", { t: "scope.document" }), filter, list),
    tags,
  );
  const act = await dialog("scope.title", body, [
    ["clear", "scope.clear"],
    ["", "cancel"],
    ["apply", "scope.apply", "primary"],
  ]);
  if (act === "clear") clearScope();
  if (act === "apply") {
    const ids = chosen(list);
    setScope({
      documents: ids.map((id) => ({ id, title: titles.get(id) })),
      languages: chosen(languages),
      tags: chosen(tags),
      from: from.value,
      to: to.value,
    });
  }
  (opener.isConnected ? opener : document.querySelector("#scope button")).focus();
}
