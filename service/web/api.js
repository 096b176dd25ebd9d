// The HTTP contract, and nothing of the page. Every failure becomes an ApiError that says what, why and what to do.

import { has, language, t } from "./i18n.js";

const IDLE_LIMIT = 60_000; // The service pings every 15 s; four missed pings mean that nobody is there.
const POLL = [300, 600, 1200, 2500]; // ms
const LOST_AFTER = 6; // failed looks at a job in a row
export const SUGGESTED = 12; // four in each language
const KEY_SLOT = "wenju.key";
let askForKey = async () => false;
let memoryKey = "";

export class ApiError extends Error {
  constructor(code, { status = 0, problem = "", detail = "", hint = "", requestId = "", seconds = 0 } = {}) {
    super(code);
    Object.assign(this, { code, status, problem, detail, hint, requestId, seconds });
  }

  /** The message for people, in the page's language; the service's own detail follows where there is one. */
  get text() {
    const key = has(`error.${this.code}`) ? `error.${this.code}` : this.status >= 500 ? "error.500" : "error.bad";
    const lines = [t(key, { seconds: this.seconds || 5 })];
    if (this.detail) lines.push(this.detail);
    if (this.hint) lines.push(t("error.hint", { hint: this.hint }));
    return lines.join(" ");
  }
}

export const onKeyNeeded = (handler) => (askForKey = handler);

export function setKey(key) {
  memoryKey = key;
  try {
    sessionStorage.setItem(KEY_SLOT, key);
  } catch {
    // Kept in memory only.
  }
}

export function currentKey() {
  try {
    return memoryKey || sessionStorage.getItem(KEY_SLOT) || "";
  } catch {
    return memoryKey;
  }
}

const credentials = () => (currentKey() ? { Authorization: `Bearer ${currentKey()}` } : {});

/** Read problem+json, or the OpenAI routes' shape, or nothing at all. */
export function problem(status, body, header) {
  const inner = body?.error && typeof body.error === "object" ? body.error : (body ?? {});
  return new ApiError(String(status), {
    status,
    problem: String(inner.code ?? ""),
    detail: String(inner.detail ?? inner.message ?? ""),
    hint: String(inner.hint ?? ""),
    requestId: header("X-Request-ID") ?? String(inner.request_id ?? ""),
    seconds: Number(header("Retry-After")) || 0,
  });
}

async function send(path, { method = "GET", json, signal, accept = "application/json", keepalive = false } = {}, retried = false) {
  // The language of the page decides the script of an answer where the question leaves it open.
  const headers = { Accept: accept, "Accept-Language": language(), ...credentials() };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const body = json === undefined ? undefined : JSON.stringify(json);
  let response;
  try {
    response = await fetch(path, { method, headers, body, signal, keepalive, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("offline");
  }
  if (response.status === 401 && !retried && (await askForKey())) return send(path, { method, json, signal, accept, keepalive }, true);
  if (!response.ok) {
    const content = await response.json().catch(() => null);
    throw problem(response.status, content, (name) => response.headers.get(name));
  }
  return response;
}

export async function request(path, options) {
  const response = await send(path, options);
  if (response.status === 204) return null;
  return response.json().catch(() => {
    throw new ApiError("bad");
  });
}

const encode = encodeURIComponent;
export const getDocument = (id, signal) => request(`/v1/documents/${encode(id)}`, { signal });
export const deleteDocument = (id) => request(`/v1/documents/${encode(id)}`, { method: "DELETE" });
export const getJob = (id, signal) => request(`/v1/jobs/${encode(id)}`, { signal });
export const sendFeedback = (body) => request("/v1/feedback", { method: "POST", json: body });
export const suggestions = () => request(`/v1/suggestions?limit=${SUGGESTED}`);
/** Questions to go on with, which some documents answer. */
export const followUps = (ids, limit) =>
  request(`/v1/suggestions?${new URLSearchParams([["limit", limit], ...ids.map((id) => ["document_id", id])])}`);
export const withdrawFeedback = (id) => request(`/v1/feedback/${encode(id)}`, { method: "DELETE" });
export const evals = () => request("/v1/evals");
export const evalRun = (id) => request(`/v1/evals/${encode(id)}`);
export const startEval = (body) => request("/v1/evals", { method: "POST", json: body });
export const version = () => request("/version");
export const fileAddress = (id) => `/v1/documents/${encode(id)}/file`;

export function getPage(id, page, script, signal) {
  const query = script ? `?script=${encode(script)}` : "";
  return request(`/v1/documents/${encode(id)}/pages/${page}${query}`, { signal });
}

export function pageImageAddress(id, page, start, end) {
  const query = end > start ? `?start=${start}&end=${end}` : "";
  return `/v1/documents/${encode(id)}/pages/${page}.webp${query}`;
}

export async function getBlob(path, signal) {
  return (await send(path, { signal, accept: "*/*" })).blob();
}

/** Every document, page by page of the list; `limit` guards against a list without an end. */
export async function listDocuments(signal) {
  const found = [];
  let after = "";
  for (let turn = 0; turn < 200; turn += 1) {
    const answer = await request(`/v1/documents?limit=100${after && `&after=${encode(after)}`}`, { signal });
    found.push(...answer.data);
    if (!answer.has_more || !answer.data.length) break;
    after = answer.data.at(-1).id;
  }
  return found;
}

/** Poll a job until it ends, often at first: small jobs are done at once. `onChange` gets each state; a lost line is borne a while. */
export async function untilDone(id, { signal, onChange = () => {} } = {}) {
  let lost = 0;
  for (let turn = 0; ; turn += 1) {
    await pause(POLL[Math.min(turn, POLL.length - 1)], signal);
    try {
      const job = await getJob(id, signal);
      lost = 0;
      onChange(job);
      if (job.state === "done" || job.state === "failed") return job;
    } catch (error) {
      lost += 1;
      if (error.name === "AbortError" || error.status === 404 || lost >= LOST_AFTER) throw error;
    }
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** `ready`, `degraded`, `empty`, `down` or `offline`, with the parts that are not well. */
export async function readiness() {
  let response;
  try {
    response = await fetch("/readyz", { cache: "no-store", headers: credentials(), signal: AbortSignal.timeout(5000) });
  } catch {
    return { state: "offline", parts: [] };
  }
  const body = await response.json().catch(() => ({}));
  const listed = body.parts ?? body.checks ?? body.components ?? {};
  const states = Object.entries(listed).map(([name, value]) => [name, typeof value === "string" ? value : (value?.status ?? value?.state)]);
  const ill = states.filter(([, state]) => state === "degraded" || state === "down").map(([name]) => name);
  if (!response.ok) return { state: "down", parts: ill };
  if (body.documents === 0) return { state: "empty", parts: [] };
  return { state: ill.length || body.status === "degraded" ? "degraded" : "ready", parts: ill };
}

/** Events of a text/event-stream body, as [event, data] pairs; pings and other comments are passed over. */
export async function* eventsOf(body, signal) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let name = "message";
  let data = [];
  try {
    for (;;) {
      const { value, done } = await withLimit(reader.read(), signal);
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      // A carriage return at the very end may be half of a line end.
      const lines = rest.split(done ? /\r\n|\n|\r/ : /\r\n|\n|\r(?!$)/);
      rest = done ? "" : lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (data.length) yield [name, data.join("\n")];
          name = "message";
          data = [];
        } else if (line.startsWith("event:")) name = line.slice(6).trim();
        else if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function withLimit(promise, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new ApiError("stalled")), IDLE_LIMIT);
    const abort = () => reject(new DOMException("stopped", "AbortError"));
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    promise
      .then(resolve, (error) => reject(error.name === "AbortError" ? error : new ApiError("offline")))
      .finally(() => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      });
  });
}

/**
 * Ask, and hand each event to `on(name, payload)`; resolves to the whole answer object.
 * A stream that ends without `done` or `error` was cut: ApiError `offline`.
 */
export async function ask(question, { signal, on }) {
  const response = await send("/v1/ask", { method: "POST", json: { ...question, stream: true }, signal, accept: "text/event-stream" });
  if (!(response.headers.get("Content-Type") ?? "").startsWith("text/event-stream")) return response.json();
  for await (const [name, text] of eventsOf(response.body, signal)) {
    let payload;
    try {
      payload = JSON.parse(text);
    } catch {
      throw new ApiError("bad", { requestId: response.headers.get("X-Request-ID") ?? "" });
    }
    if (name === "done") return { ...payload, request_id: response.headers.get("X-Request-ID") ?? "" };
    if (name === "error")
      throw problem(payload.status ?? (payload.code === "shutting_down" ? 503 : 500), payload, (header) => response.headers.get(header));
    on(name, payload);
  }
  throw new ApiError("offline", { requestId: response.headers.get("X-Request-ID") ?? "" });
}

/** Upload one file with progress (fetch cannot tell it); resolves to the job, or to the document that was there already. */
export function upload(file, { signal, onProgress }, retried = false) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file, file.name);
    call.open("POST", "/v1/documents");
    call.setRequestHeader("Accept", "application/json");
    for (const [name, value] of Object.entries(credentials())) call.setRequestHeader(name, value);
    call.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    call.addEventListener("load", async () => {
      let body = null;
      try {
        body = JSON.parse(call.responseText);
      } catch {
        // Reported by its status below.
      }
      if (call.status >= 200 && call.status < 300 && body) resolve(body);
      else if (call.status === 401 && !retried && (await askForKey())) upload(file, { signal, onProgress }, true).then(resolve, reject);
      else reject(problem(call.status || 500, body, (name) => call.getResponseHeader(name)));
    });
    call.addEventListener("error", () => reject(new ApiError("offline")));
    call.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    signal.addEventListener("abort", () => call.abort(), { once: true });
    call.send(form);
  });
}
