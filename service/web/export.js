// A conversation as a file: Markdown with footnotes for people, JSON with everything for programs.

import { saveFile } from "./dom.js";
import { t, when } from "./i18n.js";
import { footnoted } from "./render.js";

/** Text that comes from documents must not become links, images or markup in the reader's Markdown program. */
const escape = (text) => text.replace(/[\\`*_[\]<>]/g, "\\$&").replace(/^(\s*)([#+\-|~=]|\d+\.)/gm, "$1\\$2");
const oneLine = (text) => escape(text.replace(/\s+/g, " ").trim());

export function asMarkdown(chat) {
  const parts = [`# ${oneLine(chat.title)}`, t("export.from", { date: when(Date.now()) })];
  chat.turns.forEach((turn, i) => {
    parts.push(`## ${t("export.question")} ${i + 1}: ${oneLine(turn.question)}`);
    const prefix = chat.turns.length > 1 ? `${i + 1}-` : "";
    parts.push(turn.answer ? footnoted(turn.answer, { prefix, escape }) : escape(turn.partial || t("export.unanswered")));
  });
  return `${parts.join("\n\n")}\n`;
}

export const asJson = (chat) => `${JSON.stringify({ object: "chat", ...chat, exported: new Date().toISOString() }, null, 2)}\n`;

/** A name that every file system takes. */
function fileName(chat, ending) {
  const letters = Array.from(chat.title.replace(/[\p{C}\\/:*?"<>|.]+/gu, " ").trim())
    .slice(0, 40)
    .join("");
  return `${letters || "wenju"}.${ending}`;
}

export const saveMarkdown = (chat) => saveFile(fileName(chat, "md"), asMarkdown(chat), "text/markdown");
export const saveJson = (chat) => saveFile(fileName(chat, "json"), asJson(chat), "application/json");
