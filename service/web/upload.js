// Files on their way in: checked here first, sent one at a time with progress, then followed through their job until it is published.

import { ApiError, untilDone, upload } from "./api.js";
import { announce, fill, h, iconButton } from "./dom.js";
import { has, mark, percent, size, t } from "./i18n.js";

export const ACCEPT = ".pdf,.md,.markdown,.mdx,.mdown,.html,.htm,.xhtml,.docx,.txt,.text";
const TYPES = new Set(ACCEPT.split(","));
let limit = 50 * 1024 * 1024;

/** The service's own limit, once it is known. */
export const setUploadLimit = (bytes) => (limit = bytes);

const ending = (name) => (/\.[^.]+$/.exec(name)?.[0] ?? "").toLowerCase();

/** Why a file cannot be taken, as [key, values]; null when it can. */
export function refusal(file) {
  if (!TYPES.has(ending(file.name))) return ["upload.type", { type: ending(file.name) || "?" }];
  if (file.size === 0) return ["upload.empty", {}];
  if (file.size > limit) return ["upload.size", { size: size(file.size), limit: size(limit) }];
  return null;
}

/**
 * What went wrong, in the page's language where its code is known: the service's own words are English, and its hints are for whoever
 * runs it. Only for a limit they are added, since they tell which one.
 */
function explained({ code, detail, reason, hint, requestId }) {
  const key = `problem.${code}`;
  const id = requestId && h("span", { class: "muted", t: ["error.id", { id: requestId }] });
  if (!has(key)) return [reason || code || "", hint && h("span", { t: ["error.hint", { hint }] }), id];
  const figures = code === "limit" && h("span", { class: "muted", lang: "en" }, detail ?? reason);
  return [h("span", { t: key }), h("span", { t: `${key}.hint` }), figures, id];
}

export class Uploads {
  /** @param {HTMLElement} box to list them in  @param {() => void} onDone when a document was published */
  constructor(box, onDone) {
    this.box = box;
    this.onDone = onDone;
    this.items = [];
    this.chain = Promise.resolve();
  }

  add(files) {
    for (const file of files) {
      const item = this.item(file);
      const bad = refusal(file);
      if (bad) this.end(item, "bad", ["upload.failed"], [{ reason: t(...bad) }]);
      else this.chain = this.chain.then(() => this.send(item));
    }
    this.draw();
  }

  item(file) {
    const item = { file, control: new AbortController(), over: false };
    item.words = h("span", { class: "upload-state", t: "upload.waiting" });
    item.more = h("div", { class: "upload-more" });
    item.bar = h("progress", { max: 1, value: 0, tLabel: ["upload.progress", { name: file.name }] });
    item.cancel = iconButton("close", ["upload.cancel", { name: file.name }], () => item.control.abort());
    item.row = h(
      "li",
      { class: "upload" },
      h("div", { class: "upload-line" }, h("span", { class: "upload-name" }, file.name), item.words, item.cancel),
      item.bar,
      item.more,
    );
    this.items.unshift(item);
    return item;
  }

  draw() {
    this.box.hidden = !this.items.length;
    const over = this.items.some((item) => item.over);
    const clear = h("button", {
      type: "button",
      class: "button link",
      t: "upload.clear",
      on: {
        click: () => {
          this.items = this.items.filter((item) => !item.over);
          this.draw();
        },
      },
    });
    fill(
      this.box,
      h("div", { class: "upload-head" }, h("h2", { t: "upload.list" }), over && clear),
      h(
        "ul",
        {},
        this.items.map((item) => item.row),
      ),
    );
  }

  async send(item) {
    if (item.control.signal.aborted) {
      this.end(item, "", ["upload.cancelled"]);
      return;
    }
    try {
      const answer = await upload(item.file, { signal: item.control.signal, onProgress: (share) => this.progress(item, share) });
      if (answer.deduplicated) this.end(item, "good", ["upload.same"]);
      else this.follow(item, answer.id);
    } catch (error) {
      this.broke(item, error);
    }
  }

  progress(item, share) {
    item.bar.value = share;
    mark(item.words, "t", "upload.sending", { percent: percent(share) });
  }

  async follow(item, id) {
    item.bar.removeAttribute("value");
    item.cancel.hidden = true;
    mark(item.words, "t", "upload.queued");
    try {
      const job = await untilDone(id, { signal: item.control.signal, onChange: (now) => this.show(item, now) });
      const problems = [...(job.errors ?? []), ...(job.warnings ?? []).map((reason) => ({ reason }))];
      const failed = job.state === "failed" || job.errors?.length > 0;
      this.end(item, failed ? "bad" : "good", [failed ? "upload.failed" : "upload.done"], problems);
      if (job.state === "done") this.onDone();
    } catch (error) {
      if (error instanceof ApiError) this.end(item, "bad", ["upload.lost"]);
      else this.broke(item, error);
    }
  }

  show(item, job) {
    const stage = has(`stage.${job.stage}`) ? `stage.${job.stage}` : "upload.queued";
    mark(item.words, "t", job.state === "queued" ? "upload.queued" : stage);
    if (job.pages_done) fill(item.more, h("p", { class: "muted", t: ["upload.pages", { n: job.pages_done }] }));
  }

  broke(item, error) {
    if (error.name === "AbortError") this.end(item, "", ["upload.cancelled"]);
    else if (error instanceof ApiError)
      this.end(item, "bad", ["upload.failed"], [{ code: error.problem, detail: error.detail, reason: error.text, requestId: error.requestId }]);
    else {
      console.error(error);
      this.end(item, "bad", ["upload.failed"]);
    }
  }

  end(item, kind, words, problems = []) {
    item.over = true;
    item.bar.hidden = true;
    item.cancel.hidden = true;
    item.row.dataset.kind = kind;
    mark(item.words, "t", ...words);
    fill(
      item.more,
      problems.map((problem) => h("p", {}, explained(problem))),
    );
    announce(`${item.file.name}: ${t(...words)} ${item.more.textContent}`);
    this.draw();
  }
}
