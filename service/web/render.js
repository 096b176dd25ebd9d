// The one renderer of text that came from documents or models: streamed, stored, cited. It only ever makes text nodes, <span>, <mark>
// and citation buttons. Offsets count Unicode code points, as the service counts them, so strings are taken apart with Array.from.

import { h } from "./dom.js";
import { t } from "./i18n.js";

const MARKER = /^\[(\d{1,3})\]$/;

const HAN = /\p{Script=Han}/u;

/** Segments, with `lang` where an answer in English quotes a Chinese source: the same character is drawn differently in each script. */
export function withLanguages({ segments = [], citations = [], language }) {
  if (language !== "en") return segments;
  const languages = new Map(citations.map((citation) => [citation.id, citation.language]));
  return segments.map((segment) => (HAN.test(segment.text) ? { ...segment, lang: languages.get(segment.citation_ids[0]) } : segment));
}

/** `[n]` marks in a list of code points: [{start, end, n}]. */
export function findMarkers(letters) {
  const found = [];
  for (let i = 0; i < letters.length; i += 1) {
    if (letters[i] !== "[") continue;
    const close = letters.indexOf("]", i);
    if (close < 0 || close - i > 4) continue;
    const match = MARKER.exec(letters.slice(i, close + 1).join(""));
    if (match) found.push({ start: i, end: close + 1, n: Number(match[1]) });
  }
  return found;
}

/**
 * The markers that are citations. A document may itself contain "[1]": inside a segment that has its own marker behind it, such a
 * text stays text, and so does the number of a citation that does not exist.
 */
function citing(letters, segments, numbers) {
  const all = findMarkers(letters).filter((marker) => numbers.has(marker.n));
  const starts = new Set(all.map((marker) => marker.start));
  return all.filter((marker) => {
    const inside = segments.find((segment) => segment.start <= marker.start && marker.end <= segment.end);
    return !inside || !starts.has(inside.end);
  });
}

/** Where runs of equal treatment begin and end. */
function borders(length, ranges) {
  const cuts = new Set([0, length]);
  for (const { start, end } of ranges) {
    if (start > 0 && start < length) cuts.add(start);
    if (end > 0 && end < length) cuts.add(end);
  }
  return [...cuts].sort((a, b) => a - b);
}

const covering = (ranges, at) => ranges.findIndex((range) => range.start <= at && at < range.end);

/**
 * An answer as a fragment.
 *
 * @param {string} text with its `[n]` marks.
 * @param {{segments?: object[], citations?: object[], highlights?: object[], chip: (citation: object) => HTMLElement}} parts
 */
export function renderAnswer(text, { segments = [], citations = [], highlights = [], chip }) {
  const letters = Array.from(text);
  const byNumber = new Map(citations.map((citation) => [citation.index, citation]));
  const markers = citing(letters, segments, byNumber);
  const cuts = borders(letters.length, [...segments, ...highlights, ...markers]);
  const runs = [];
  for (let i = 0; i + 1 < cuts.length; i += 1) {
    const [start, end] = [cuts[i], cuts[i + 1]];
    const marker = markers.find((one) => one.start <= start && end <= one.end);
    if (marker) {
      if (start === marker.start) runs.push({ chip: byNumber.get(marker.n), start: marker.start });
      continue;
    }
    const segment = covering(segments, start);
    const lang = segments[segment]?.lang;
    runs.push({ text: letters.slice(start, end), segment, lang, light: covering(highlights, start), start });
  }
  return assemble(runs, highlights, chip);
}

/** Put runs into nodes; a chip is held together with the character before it, so that it never begins a line. */
function assemble(runs, highlights, chip) {
  const fragment = document.createDocumentFragment();
  for (let i = 0; i < runs.length; i += 1) {
    const run = runs[i];
    if (run.chip) {
      fragment.append(chip(run.chip));
      continue;
    }
    if (!runs[i + 1]?.chip) {
      fragment.append(piece(run, run.text, highlights));
      continue;
    }
    if (run.text.length > 1) fragment.append(piece(run, run.text.slice(0, -1), highlights));
    const held = h("span", { class: "held" }, piece(run, run.text.slice(-1), highlights));
    while (runs[i + 1]?.chip) held.append(chip(runs[(i += 1)].chip));
    fragment.append(held);
  }
  return fragment;
}

function piece(run, letters, highlights) {
  const text = letters.join("");
  const data = run.segment >= 0 ? { segment: String(run.segment) } : {};
  const { lang } = run;
  if (run.light >= 0) return h("mark", { class: "asked", lang, data: { ...data, kind: highlights[run.light].kind ?? "" } }, text);
  return run.segment >= 0 ? h("span", { lang, data }, text) : document.createTextNode(text);
}

/** A quotation: the text as it stands, in its own language and script. */
export const renderQuote = (citation, props = {}) =>
  h("blockquote", { class: "quote", lang: citation.language ?? "", dir: "auto", ...props }, citation.cited_text);

/** Text with <mark> over the spans; `from` is the offset of the text's first character. */
export function renderSpan(letters, from, spans) {
  const shifted = spans.map(({ start, end }) => ({ start: start - from, end: end - from }));
  const cuts = borders(letters.length, shifted);
  const nodes = [];
  for (let i = 0; i + 1 < cuts.length; i += 1) {
    const text = letters.slice(cuts[i], cuts[i + 1]).join("");
    nodes.push(covering(shifted, cuts[i]) >= 0 ? h("mark", { class: "cited" }, text) : text);
  }
  return nodes;
}

/** The key and values of a citation's place: "第 12 頁（印刷頁碼 8）", "p. 12"; null for a document without pages. */
export function pageKey(citation) {
  const { page, page_label: label } = citation;
  if (page === null || page === undefined) return null;
  return label && label !== String(page) ? ["cite.page.label", { page, label }] : ["cite.page", { page }];
}

export const pageOf = (citation) => (pageKey(citation) ? t(...pageKey(citation)) : "");

/** The page as an element that follows a switch of language, or nothing. */
export const pageNote = (citation) => pageKey(citation) && h("span", { class: "muted", t: pageKey(citation) });

export function chipName(citation) {
  const values = { n: citation.index, title: citation.document_title, page: citation.page };
  return citation.page ? ["chat.source.page", values] : ["chat.source", values];
}

export const checkOf = (citation) =>
  citation.verification === "exact" ? "cite.verified" : citation.verification === "normalized" ? "cite.normalized" : "cite.unverified";

/** An answer without its `[n]` marks. */
export function unmarked(answer) {
  const letters = Array.from(answer.answer ?? "");
  const numbers = new Map((answer.citations ?? []).map((citation) => [citation.index, citation]));
  let text = "";
  let at = 0;
  for (const marker of citing(letters, answer.segments ?? [], numbers)) {
    text += letters.slice(at, marker.start).join("");
    at = marker.end;
  }
  return text + letters.slice(at).join("");
}

/**
 * An answer as text with footnotes: `[^1]` marks, and one line for each source.
 *
 * @param {object} answer as the service gave it
 * @param {{prefix?: string, escape?: (text: string) => string}} options `prefix` keeps the notes of several answers apart; `escape`
 *   keeps what is text in a document from being markup in a Markdown file.
 */
export function footnoted(answer, { prefix = "", escape = (text) => text } = {}) {
  const cited = answer.refusal ? [] : (answer.citations ?? []);
  const letters = Array.from(answer.refusal?.message ?? answer.answer ?? "");
  const numbers = new Map(cited.map((citation) => [citation.index, citation]));
  let text = "";
  let at = 0;
  for (const marker of citing(letters, answer.segments ?? [], numbers)) {
    text += `${escape(letters.slice(at, marker.start).join(""))}[^${prefix}${marker.n}]`;
    at = marker.end;
  }
  text += escape(letters.slice(at).join(""));
  const notes = cited.map((citation) => {
    const place = [citation.document_title, citation.file_name, pageOf(citation)].filter(Boolean).join(", ");
    const quote = citation.cited_text.replace(/\s*\n\s*/g, " ");
    return `[^${prefix}${citation.index}]: ${escape(`${place}: “${quote}”`)} <${location.origin}${citation.url}>`;
  });
  return notes.length ? `${text}\n\n${notes.join("\n")}` : text;
}
