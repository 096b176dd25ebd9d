// One question of an eval run, open to its answer and its evidence; everything leads into the source panel.

import { documents } from "./library.js";
import { announce, h } from "./dom.js";
import { has, number, t } from "./i18n.js";
import { pageKey } from "./render.js";

/** A run keeps its texts without their documents' ids or languages: the library has them, by file name. */
async function open(from, { file_name, document_id, page, quote, start = 0, end = 1 }) {
  const known = (await documents().catch(() => [])).find((one) => (document_id ? one.id === document_id : one.file_name === file_name));
  if (!known) {
    announce(t("source.gone"));
    from.after(h("span", { class: "muted", t: "source.gone" }));
    from.disabled = true;
    return;
  }
  document.querySelector("wj-source").openCitation(
    {
      id: "",
      type: known.paged ? "page_location" : "char_location",
      document_id: known.id,
      document_title: known.title,
      language: known.language,
      page: page || 1,
      cited_text: quote,
      start_char_index: start,
      end_char_index: end,
    },
    from,
  );
}

/** A quotation with the button that leads to its place. */
export function quotation(place, lead = "") {
  const label = h("span", { t: "cite.open" });
  const button = h("button", { type: "button", class: "button link", on: { click: () => open(button, place) } }, label);
  const page = place.page && pageKey({ page: place.page });
  return h(
    "blockquote",
    { class: "quote case-quote", dir: "auto" },
    lead && h("span", { class: "quote-number" }, lead),
    h("span", {}, place.quote),
    h("footer", { class: "quote-foot" }, h("span", { class: "file-name" }, place.file_name), page && h("span", { class: "muted", t: page }), button),
  );
}

export const expected = (answers) => answers.map((part) => part.join(" / ")).join(" + ");

const part = (key, ...children) => [h("dt", { t: key }), h("dd", {}, children)];
const shown = (answer) => h("p", { lang: answer.language, dir: "auto" }, answer.answer);

function passages(result) {
  return h(
    "ol",
    { class: "case-passages" },
    result.passages.map((passage) =>
      h(
        "li",
        { class: passage.relevant ? "relevant" : "" },
        passage.relevant && h("strong", { t: "evals.relevant" }),
        h("span", { dir: "auto" }, passage.text),
        h("span", { class: "muted file-name" }, `${passage.document} · ${passage.page} · ${number(Math.round(passage.score * 1000) / 1000)}`),
      ),
    ),
  );
}

function inside(result, before) {
  const cited = result.citations.map((one) =>
    quotation(
      { ...one, quote: one.cited_text, start: one.start_char_index, end: one.end_char_index },
      String(one.index),
    ),
  );
  return h(
    "dl",
    { class: "case" },
    part("evals.expected", result.answerable ? expected(result.expected) || "–" : h("span", { t: "evals.unanswerable" })),
    part("evals.answer", shown(result.answer), cited),
    before && part("evals.answer.before", shown(before.answer)),
    result.evidence.length > 0 && part(
      "evals.evidence",
      result.evidence.map((one) => quotation({ file_name: one.document, page: one.page, quote: one.quote })),
    ),
    result.passages.length > 0 && part("evals.passages", passages(result)),
  );
}

/** How a question went, in words. */
function verdict({ failure }) {
  if (!failure) return h("span", { class: "passed", t: "evals.right" });
  const key = `failure.${failure}`;
  return h("span", { class: "failed", t: has(key) ? key : "evals.wrong" });
}

/** A result as a line that opens; what is inside is made when it is opened first, for a run may have two thousand. */
export function caseBox(result, before = null) {
  const asked = h("span", { lang: result.language, dir: "auto" }, result.question);
  const box = h("details", { class: "why case-box" }, h("summary", {}, asked, verdict(result)));
  box.addEventListener("toggle", () => box.open && box.childElementCount === 1 && box.append(inside(result, before)));
  return box;
}
