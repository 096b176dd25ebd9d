// The card that shows a citation's quote on hover and on focus. It stays while the pointer is in it, and Escape closes it.

import { button, fill, h } from "./dom.js";
import { checkNote } from "./gone.js";
import { pageNote, renderQuote } from "./render.js";

const SHOW_AFTER = 90;
const HIDE_AFTER = 180;
const GAP = 8;

let card = null;
let owner = null;
let timer = 0;

function make() {
  card = h("div", { class: "card", id: "card", role: "tooltip", popover: "manual" });
  card.addEventListener("pointerenter", () => clearTimeout(timer));
  card.addEventListener("pointerleave", later);
  document.getElementById("main").append(card);
  addEventListener("scroll", () => owner && place(), { capture: true, passive: true });
  addEventListener("resize", closeCard);
}

const later = () => {
  clearTimeout(timer);
  timer = setTimeout(closeCard, HIDE_AFTER);
};

export function closeCard() {
  clearTimeout(timer);
  if (!owner) return false;
  owner.removeAttribute("aria-describedby");
  owner = null;
  card.hidePopover?.();
  return true;
}

function place() {
  const anchor = owner.getBoundingClientRect();
  if (!owner.isConnected || anchor.bottom < 0 || anchor.top > innerHeight) {
    closeCard();
    return;
  }
  const { offsetWidth: width, offsetHeight: height } = card;
  const left = Math.min(Math.max(GAP, anchor.left + anchor.width / 2 - width / 2), innerWidth - width - GAP);
  const above = anchor.top - height - GAP;
  const below = anchor.bottom + GAP;
  card.style.left = `${Math.max(GAP, left)}px`;
  card.style.top = `${above >= GAP || below + height > innerHeight ? Math.max(GAP, above) : below}px`;
}

function show(chip, citation, open) {
  if (!card) make();
  clearTimeout(timer);
  if (owner === chip) return;
  closeCard();
  fill(
    card,
    h("p", { class: "card-title" }, h("span", { lang: citation.language }, citation.document_title), pageNote(citation)),
    renderQuote(citation),
    h(
      "div",
      { class: "card-foot" },
      checkNote(citation),
      button(
        "cite.open",
        () => {
          closeCard();
          open(citation);
        },
        { tabindex: "-1" },
      ),
    ),
  );
  owner = chip;
  chip.setAttribute("aria-describedby", "card");
  card.showPopover?.();
  place();
}

/** Give a chip its card. A touch opens the source itself, so only a mouse or pen and the keyboard show the card. */
export function attachCard(chip, citation, open) {
  chip.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "touch") return;
    clearTimeout(timer);
    timer = setTimeout(() => chip.isConnected && show(chip, citation, open), SHOW_AFTER);
  });
  chip.addEventListener("pointerleave", later);
  chip.addEventListener("focus", () => chip.matches(":focus-visible") && show(chip, citation, open));
  chip.addEventListener("blur", later);
}
