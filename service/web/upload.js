// Files on their way in: checked here first, sent one at a time with progress, then followed through their job until it is published.

import { ApiError, getJob, upload } from "./api.js";
import { announce, fill, h, iconButton } from "./dom.js";
import { has, mark, percent, size, t } from "./i18n.js";

export const ACCEPT = ".pdf,.md,.markdown,.html,.htm,.docx,.txt";
const TYPES = new Set(ACCEPT.split(","));
const LIMIT = 50 * 1024 * 1024;
const POLL = [400, 800, 1500, 3000];
const LOST_AFTER = 6;
const pause = (milliseconds, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(new DOMException("stopped", "AbortError"));
      },
      { once: true },
    );
  });

const ending = (name) => (/\.[^.]+$/.exec(name)?.[0] ?? "").toLowerCase();

/** Why a file cannot be taken, as [key, values]; null when it can. */
export function refusal(file) {
  if (!TYPES.has(ending(file.name))) return ["upload.type", { type: ending(file.name) || "?" }];
  if (file.size === 0) return ["upload.empty", {}];
  if (file.size > LIMIT) return ["upload.size", { size: size(file.size) }];
  return null;
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

  /** Poll the job: often at first, for small files are done at once. */
  async follow(item, id) {
    const { signal } = item.control;
    item.bar.removeAttribute("value");
    item.cancel.hidden = true;
    mark(item.words, "t", "upload.queued");
    let lost = 0;
    for (let turn = 0; ; turn += 1) {
      try {
        await pause(POLL[Math.min(turn, POLL.length - 1)], signal);
        const job = await getJob(id, signal);
        lost = 0;
        if (this.show(item, job)) return;
      } catch (error) {
        lost += 1;
        const gone = error instanceof ApiError && error.status === 404;
        if (gone || lost >= LOST_AFTER || !(error instanceof ApiError)) {
          if (error instanceof ApiError) this.end(item, "bad", ["upload.lost"]);
          else this.broke(item, error);
          return;
        }
      }
    }
  }

  show(item, job) {
    const problems = job.errors ?? [];
    if (job.state === "done" && !problems.length) {
      this.end(item, "good", ["upload.done"]);
      this.onDone();
      return true;
    }
    if (job.state === "done" || job.state === "failed") {
      this.end(item, "bad", ["upload.failed"], problems);
      if (job.state === "done") this.onDone();
      return true;
    }
    const stage = has(`stage.${job.stage}`) ? t(`stage.${job.stage}`) : (job.stage ?? "");
    mark(item.words, "t", job.state === "queued" || !stage ? "upload.queued" : "upload.running", { stage });
    if (job.pages_done) fill(item.more, h("p", { class: "muted", t: ["upload.pages", { n: job.pages_done }] }));
    return false;
  }

  broke(item, error) {
    if (error.name === "AbortError") this.end(item, "", ["upload.cancelled"]);
    else if (error instanceof ApiError) this.end(item, "bad", ["upload.failed"], [{ reason: error.text, requestId: error.requestId }]);
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
      problems.map(({ reason, hint, code, requestId }) =>
        h(
          "p",
          {},
          reason || code || "",
          hint && h("span", { t: ["error.hint", { hint }] }),
          requestId && h("span", { class: "muted", t: ["error.id", { id: requestId }] }),
        ),
      ),
    );
    announce(`${item.file.name}: ${t(...words)} ${item.more.textContent}`);
    this.draw();
  }
}
