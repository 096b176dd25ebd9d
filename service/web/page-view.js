// A page's text with its blocks, and a span of it marked. What is marked is exactly the stored span: every character of the page is in
// the document once, in order, gaps and cell borders too.

import { h } from "./dom.js";
import { renderSpan } from "./render.js";

const CELL_BORDER = / \| /y;
// A row's text has lost the space outside an empty first or last cell.
const FIRST_BORDER = /\| /y;
const LAST_BORDER = / \|$/y;
const MOST_OF_A_HEAD = 160; // A longer head would cover the rows that it stays in sight for.
const overlaps = (block, start, end) => block.start < end && start < block.end;

/** Where a citation stands on a page: its own offsets if the text there is the cited one, else the only place that has it, else null. */
export function locate(letters, start, end, cited) {
  const valid = end > start && end <= letters.length;
  if (!cited) return valid ? { start, end } : null;
  const bare = (text) => text.replace(/\s+/g, "");
  if (valid && bare(letters.slice(start, end).join("")) === bare(cited)) return { start, end };
  return onlyPlace(letters, Array.from(bare(cited)));
}

/** The one place where letters stand, whatever space lies between them; null where there is none, or more than one. */
function onlyPlace(letters, wanted) {
  const solid = [];
  letters.forEach((letter, i) => /\S/.test(letter) && solid.push(i));
  let found = null;
  for (let i = 0; wanted.length && i + wanted.length <= solid.length; i += 1) {
    if (!wanted.every((letter, k) => letters[solid[i + k]] === letter)) continue;
    if (found) return null;
    found = { start: solid[i], end: solid[i + wanted.length - 1] + 1 };
  }
  return found;
}

/**
 * A span of the original page on its converted twin. Conversion by words may change lengths; where it did, the whole block is marked
 * and said to be approximate, rather than a wrong sentence.
 */
export function carry(original, converted, span) {
  if (!span) return { spans: [], approximate: false };
  if (Array.from(original.text).length === Array.from(converted.text).length) return { spans: [span], approximate: false };
  if (original.blocks.length !== converted.blocks.length) return { spans: [], approximate: true };
  const spans = [];
  let approximate = false;
  original.blocks.forEach((block, i) => {
    if (!overlaps(block, span.start, span.end)) return;
    const twin = converted.blocks[i];
    const same = block.end - block.start === twin.end - twin.start;
    const whole = span.start <= block.start && block.end <= span.end;
    if (same && !whole) {
      const shift = twin.start - block.start;
      spans.push({ start: Math.max(span.start + shift, twin.start), end: Math.min(span.end + shift, twin.end) });
      return;
    }
    approximate ||= !whole;
    spans.push({ start: twin.start, end: twin.end });
  });
  return { spans, approximate };
}

/** The page as nodes. */
export function renderPage(page, spans) {
  const letters = Array.from(page.text);
  const blocks = page.blocks?.length ? page.blocks : [{ kind: "paragraph", start: 0, end: letters.length }];
  const nodes = [];
  let at = 0;
  let table = null;
  for (const block of blocks) {
    const gap = block.start > at ? h("span", { class: "gap" }, renderSpan(letters.slice(at, block.start), at, spans)) : null;
    if (block.kind === "table_row") {
      if (table && gap) table.lastElementChild.lastElementChild.append(gap);
      if (!table) {
        nodes.push(gap, (table = h("div", { class: "rows", role: "table" })));
        if (block.header && !isHead(letters, block)) table.append(headFromBefore(block.header));
      }
      table.append(row(letters, block, spans));
    } else {
      table = null;
      nodes.push(gap, element(letters, block, spans));
    }
    at = Math.max(at, block.end);
  }
  if (at < letters.length) nodes.push(h("span", { class: "gap" }, renderSpan(letters.slice(at), at, spans)));
  return nodes;
}

function element(letters, block, spans) {
  const text = renderSpan(letters.slice(block.start, block.end), block.start, spans);
  if (block.kind === "heading")
    return h("div", { class: "block heading", role: "heading", "aria-level": String(Math.min(6, (block.level || 1) + 2)) }, text);
  return h(block.kind === "code" ? "pre" : "p", { class: `block ${block.kind}` }, text);
}

/** Where the cells of a row end and the next begin: [{start, end}]. */
function cellBorders(letters) {
  // One unit for each code point, so that places in the string are places among the letters.
  const text = letters.map((letter) => (letter.length > 1 ? "x" : letter)).join("");
  const found = [];
  for (let i = 0; i < text.length; i += 1) {
    const border = [i === 0 ? FIRST_BORDER : CELL_BORDER, CELL_BORDER, LAST_BORDER].find((one) => {
      one.lastIndex = i;
      return one.test(text);
    });
    if (!border) continue;
    found.push({ start: i, end: border.lastIndex });
    i = border.lastIndex - 1;
  }
  return found;
}

const isHead = (letters, block) => Boolean(block.header) && letters.slice(block.start, block.end).join("") === block.header;

/** The head of a table that began on a page before: shown over its rows here, and no part of this page's text. */
function headFromBefore(header) {
  const letters = Array.from(header);
  const line = row(letters, { start: 0, end: letters.length, header }, []);
  line.classList.add("before");
  return line;
}

function row(letters, block, spans) {
  const inside = letters.slice(block.start, block.end);
  const head = isHead(letters, block);
  const part = (from, to) => renderSpan(inside.slice(from, to), block.start + from, spans);
  const cells = [];
  let from = 0;
  for (const { start, end } of [...cellBorders(inside), { start: inside.length, end: inside.length }]) {
    const border = end > start && h("span", { class: "gap" }, part(start, end));
    cells.push(h("span", { class: "cell", role: head ? "columnheader" : "cell" }, part(from, start), border));
    from = end;
  }
  const stays = head && inside.length <= MOST_OF_A_HEAD;
  return h("div", { class: `row${head ? " head" : ""}${stays ? " stays" : ""}`, role: "row" }, cells);
}
