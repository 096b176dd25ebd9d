// Thumbs, and for a thumb down the reason. A vote can be changed, and taken back: the service then forgets it.

import { sendFeedback, withdrawFeedback } from "./api.js";
import { announce, button, fill, h, iconButton } from "./dom.js";
import { mark, t } from "./i18n.js";

const REASONS = ["wrong", "not_in_source", "wrong_citation", "outdated", "other"];

export function feedbackBox(turn, save) {
  const up = iconButton("up", "answer.up", () => (turn.vote === "up" ? undo() : vote("up")), { "aria-pressed": "false" });
  const down = iconButton("down", "answer.down", () => askReason(), { "aria-pressed": "false", "aria-expanded": "false" });
  const note = h("span", { class: "muted" });
  const back = button("feedback.undo", () => undo(), { class: "button link" });
  const form = h("form", { class: "reasons", hidden: true });
  const box = h("div", { class: "feedback" }, up, down, note, back, form);

  function show() {
    up.setAttribute("aria-pressed", String(turn.vote === "up"));
    down.setAttribute("aria-pressed", String(turn.vote === "down"));
    back.hidden = !turn.vote;
  }

  function tell(key) {
    mark(note, "t", key);
    announce(t(key));
  }

  async function vote(which, details = {}) {
    try {
      await sendFeedback({ answer_id: turn.answer.id, vote: which, ...details });
    } catch {
      tell("feedback.failed");
      return;
    }
    turn.vote = which;
    save();
    close();
    show();
    tell("feedback.sent");
  }

  async function undo() {
    const which = turn.vote;
    try {
      await withdrawFeedback(turn.answer.id);
    } catch {
      tell("feedback.failed");
      return;
    }
    delete turn.vote;
    save();
    close();
    show();
    tell("feedback.undone");
    (which === "up" ? up : down).focus();
  }

  function close() {
    form.hidden = true;
    down.setAttribute("aria-expanded", "false");
  }

  function askReason() {
    if (!form.hidden) {
      close();
      return;
    }
    const comment = h("textarea", { rows: 2, maxlength: 2000, name: "comment" });
    fill(
      form,
      h(
        "fieldset",
        {},
        h("legend", { t: "feedback.title" }),
        REASONS.map((reason, i) =>
          h(
            "label",
            { class: "choice" },
            h("input", { type: "radio", name: "reason", value: reason, checked: i === 0 }),
            h("span", { t: `feedback.${reason}` }),
          ),
        ),
      ),
      h("label", { class: "field" }, h("span", { t: "feedback.comment" }), comment),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "submit", class: "button primary", t: "feedback.send" }),
        h("button", {
          type: "button",
          class: "button quiet",
          t: "cancel",
          on: {
            click: () => {
              close();
              down.focus();
            },
          },
        }),
      ),
    );
    form.hidden = false;
    down.setAttribute("aria-expanded", "true");
    form.querySelector("input").focus();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = new FormData(form);
    const comment = String(chosen.get("comment") ?? "").trim();
    vote("down", { reason: chosen.get("reason"), ...(comment ? { comment } : {}) });
  });
  show();
  return box;
}
