// The question box: Enter sends, Shift+Enter breaks the line, and nothing is ever sent from the middle of a composition.

import { announce, isComposing } from "./dom.js";
import { mark, number, t } from "./i18n.js";

export const LIMIT = 4000;
const SAME_GESTURE = 60; // ms; longer windows eat the second Enter of people who type fast.

/**
 * Call `act` on an Enter that is meant as one. Most browsers mark the Enter of an input method (`isComposing`, or keyCode 229); Safari
 * ends the composition first, so an Enter right behind an end that no key of the composition announced is passed over, once.
 */
export function onEnter(input, act) {
  let ended = -Infinity;
  let composingKey = -Infinity;
  input.addEventListener("compositionend", (event) => {
    ended = event.timeStamp - composingKey < SAME_GESTURE ? -Infinity : event.timeStamp;
  });
  input.addEventListener("keydown", (event) => {
    if (isComposing(event)) {
      composingKey = event.timeStamp;
      return;
    }
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    const confirming = event.timeStamp - ended < SAME_GESTURE;
    ended = -Infinity;
    event.preventDefault();
    if (!confirming && !event.repeat) act(event);
  });
}

export class Composer {
  /** @param {{form, input, send, stop, counter}} parts  @param {{onSend: (text: string) => void, onStop: () => void}} handlers */
  constructor(parts, { onSend, onStop }) {
    Object.assign(this, parts);
    this.onSend = onSend;
    this.busy = false;
    // The attribute counts UTF-16 units and would cut a paste in silence; the counter and the check below count characters.
    this.input.removeAttribute("maxlength");
    this.input.removeAttribute("required");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    onEnter(this.input, () => this.submit());
    this.input.addEventListener("input", () => this.refresh());
    this.stop.addEventListener("click", onStop);
    this.refresh();
  }

  get text() {
    return this.input.value.trim();
  }

  set text(value) {
    this.input.value = value;
    this.refresh();
  }

  submit() {
    const length = Array.from(this.text).length;
    if (this.busy || length > LIMIT) return;
    if (!length) {
      announce(t("composer.empty"));
      this.input.focus();
      return;
    }
    const text = this.text;
    this.text = "";
    this.onSend(text);
  }

  setBusy(busy) {
    this.busy = busy;
    const hadFocus = document.activeElement === this.send || document.activeElement === this.stop;
    this.stop.hidden = !busy;
    this.send.hidden = busy;
    if (hadFocus) this.input.focus();
  }

  refresh() {
    const length = Array.from(this.text).length;
    const over = length > LIMIT;
    this.counter.hidden = length < LIMIT - 500;
    mark(this.counter, "t", over ? "composer.long" : "composer.left", { n: number(over ? length : LIMIT - length) });
    this.counter.classList.toggle("bad", over);
    this.input.setAttribute("aria-invalid", String(over));
    this.send.disabled = over;
    if (CSS.supports("field-sizing", "content")) return;
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 220)}px`;
  }
}
