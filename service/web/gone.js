// Cited documents that are no longer in the library: what was checked when the answer came can be checked no more, and says so.

import { getPage } from "./api.js";
import { h, icon } from "./dom.js";
import { mark } from "./i18n.js";
import { checkOf } from "./render.js";

const gone = new Set();
const looked = new Set();

/** What can be said of a quotation now, as a key of the string tables. */
export const stateOf = (citation) => (gone.has(citation.document_id) ? "cite.gone" : checkOf(citation));

function write(note) {
  const { citation } = note;
  note.classList.toggle("gone", gone.has(citation.document_id));
  mark(note.lastElementChild, "t", stateOf(citation));
}

/** How a quotation was checked; follows when its document goes, or comes back. */
export function checkNote(citation) {
  const note = h("span", { class: `check ${citation.verification}`, data: { document: citation.document_id } }, icon("check"), h("span"));
  note.citation = citation;
  write(note);
  return note;
}

/** Look whether a document is there; where the service does not say, what was known stays. */
export async function lookFor(id) {
  looked.add(id);
  try {
    await getPage(id, 1);
    gone.delete(id);
  } catch (error) {
    if (error.status !== 404) return !gone.has(id);
    gone.add(id);
  }
  document.querySelectorAll(`.check[data-document="${CSS.escape(id)}"]`).forEach(write);
  return !gone.has(id);
}

/** Look for the documents of a conversation, one after the other; those that were looked for before only when `again`. */
export async function lookForAll(chat, again = false) {
  const citations = (chat?.turns ?? []).flatMap((turn) => turn.answer?.citations ?? []);
  const ids = new Set(citations.map((citation) => citation.document_id));
  for (const id of ids) if (again || !looked.has(id)) await lookFor(id);
}
