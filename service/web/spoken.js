// An answer read to a screen reader sentence by sentence, for those who want that rather than one word at its end.

import { announce } from "./dom.js";
import { saveSetting, settings } from "./store.js";

// A sentence ends in its marks: what stands before the last of them is whole.
const WHOLE = /^[\s\S]*\[\d{1,3}\]/;
const MARKS = /\s*\[\d{1,3}\]/g;

export const readsSentences = () => settings().sentences === true;
export const setReadsSentences = (on) => saveSetting("sentences", on);

const plain = (text) => text.replace(MARKS, "").trim();

/** What of one answer was read already; silent unless the reader wants sentences. */
export class Spoken {
  constructor() {
    this.until = 0;
    this.lang = "";
  }

  /** Read the sentences that have become whole. */
  hear(text) {
    if (!readsSentences()) return;
    const end = WHOLE.exec(text)?.[0].length ?? 0;
    if (end <= this.until) return;
    const fresh = plain(text.slice(this.until, end));
    this.until = end;
    if (fresh) announce("", fresh, this.lang);
  }

  /** Say how an answer ended, after whatever of it was not read yet. */
  finish(message, text) {
    announce(message, readsSentences() ? plain(text.slice(this.until)) : "", this.lang);
    this.until = text.length;
  }
}
