// What this device remembers: settings and conversations. Nothing of it is sent anywhere.

const SETTINGS = "wenju.settings";
const CHATS = "wenju.chats.1";
const MOST_CHATS = 200;
const events = new EventTarget();
const memory = new Map();
let persistent = true;
let chats = null;

function read(slot, fallback) {
  try {
    const text = localStorage.getItem(slot);
    return text === null ? (memory.get(slot) ?? fallback) : JSON.parse(text);
  } catch {
    return memory.get(slot) ?? fallback;
  }
}

function write(slot, value) {
  memory.set(slot, value);
  try {
    localStorage.setItem(slot, JSON.stringify(value));
    persistent = true;
    return true;
  } catch (error) {
    if (error.name === "QuotaExceededError") return false;
    persistent = false;
    return true;
  }
}

export const isPersistent = () => persistent;
export const settings = () => read(SETTINGS, {});
export const saveSetting = (name, value) => write(SETTINGS, { ...settings(), [name]: value });

export const onChats = (listener) => events.addEventListener("chats", listener);
export const onFull = (listener) => events.addEventListener("full", listener);
const changed = () => events.dispatchEvent(new Event("chats"));

/** Conversations, the one used last first. */
export function allChats() {
  if (chats === null) {
    const saved = read(CHATS, []);
    chats = Array.isArray(saved) ? saved.filter((chat) => chat && typeof chat.id === "string" && Array.isArray(chat.turns)) : [];
  }
  return [...chats].sort((a, b) => b.updated - a.updated);
}

export const findChat = (id) => allChats().find((chat) => chat.id === id);

export function newChat(question) {
  const now = Date.now();
  return {
    id: `chat_${now.toString(36)}${Math.random().toString(36).slice(2, 8)}`,
    title: titleOf(question),
    created: now,
    updated: now,
    turns: [],
  };
}

const titleOf = (question) => {
  const letters = Array.from(question.trim().replace(/\s+/g, " "));
  return letters.length > 40 ? `${letters.slice(0, 39).join("")}…` : letters.join("");
};

/** Keep a conversation; when the device is full, the oldest ones make room and the page is told. */
export function keepChat(chat) {
  allChats();
  chat.updated = Date.now();
  chats = [chat, ...chats.filter((other) => other.id !== chat.id)].slice(0, MOST_CHATS);
  let dropped = false;
  while (!write(CHATS, chats) && chats.length > 1) {
    const oldest = chats.reduce((a, b) => (a.updated < b.updated ? a : b));
    chats = chats.filter((other) => other !== oldest);
    dropped = true;
  }
  if (dropped) events.dispatchEvent(new Event("full"));
  changed();
}

export function renameChat(id, title) {
  const chat = findChat(id);
  if (!chat || !title.trim()) return;
  chat.title = title.trim();
  write(CHATS, chats);
  changed();
}

export function deleteChat(id) {
  allChats();
  chats = chats.filter((chat) => chat.id !== id);
  write(CHATS, chats);
  changed();
}

export function deleteAllChats() {
  chats = [];
  memory.delete(CHATS);
  try {
    localStorage.removeItem(CHATS);
  } catch {
    // Was in memory only.
  }
  changed();
}

// Another tab wrote: take its list, or this tab would overwrite it with an older one.
addEventListener("storage", (event) => {
  if (event.key !== CHATS && event.key !== null) return;
  chats = null;
  memory.delete(CHATS);
  changed();
});
