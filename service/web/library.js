// The documents: what is there, adding to it, taking away from it.

import { ApiError, deleteDocument, listDocuments, untilDone, version } from "./api.js";
import { announce, button, confirmed, fill, h, icon } from "./dom.js";
import { collator, languageName, mark, onLanguage, number, size, t } from "./i18n.js";
import { clearScope, setScope } from "./scope.js";
import { ACCEPT, Uploads, setUploadLimit } from "./upload.js";

let known = null;

/** The documents as last listed; fetched when there is no list yet. */
export async function documents() {
  known ??= await listDocuments();
  return known;
}

/** A deletion is published by a job; until then the document is still there. */
async function removed(id) {
  const job = await untilDone(id);
  if (job.state === "failed")
    throw new ApiError("500", { status: 500, detail: job.errors?.[0]?.reason ?? "", hint: job.errors?.[0]?.hint ?? "" });
}

const fold = (text) => text.normalize("NFKC").toLowerCase();

export class LibraryElement extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.filter = h("input", {
      type: "search",
      tLabel: "documents.filter",
      tPlaceholder: "documents.filter",
      on: { input: () => this.draw() },
    });
    this.language = h("select", { tLabel: "documents.language", on: { change: () => this.draw() } });
    this.tag = h("select", { tLabel: "documents.tag", on: { change: () => this.draw() } });
    this.count = h("p", { class: "muted" });
    this.list = h("ul", { class: "documents" });
    this.uploading = h("section", { class: "uploads", hidden: true });
    this.uploads = new Uploads(this.uploading, () => this.changed());
    this.tools = h("div", { class: "library-tools" }, this.filter, this.language, this.tag);
    fill(
      this,
      h(
        "div",
        { class: "column wide" },
        h("div", { class: "view-head" }, h("h1", { t: "documents.title" }), this.count),
        this.dropZone(),
        this.uploading,
        this.tools,
        this.list,
      ),
    );
    onLanguage(() => known && this.draw());
  }

  dropZone() {
    const input = h("input", {
      type: "file",
      multiple: true,
      accept: ACCEPT,
      class: "visually-hidden",
      id: "files",
      tabindex: "-1",
      "aria-hidden": "true",
    });
    input.addEventListener("change", () => {
      this.uploads.add(input.files);
      input.value = "";
    });
    const choose = h("button", { type: "button", class: "button primary", t: "documents.choose", on: { click: () => input.click() } });
    this.limits = h("p", { class: "muted small" });
    const zone = h(
      "div",
      { class: "drop" },
      icon("upload"),
      h("p", {}, h("span", { t: "documents.drop" }), " ", choose),
      this.limits,
      input,
    );
    const over = (event, on) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      zone.classList.toggle("over", on);
    };
    this.addEventListener("dragover", (event) => over(event, true));
    this.addEventListener("dragleave", (event) => !this.contains(event.relatedTarget) && over(event, false));
    this.addEventListener("drop", (event) => {
      over(event, false);
      if (event.dataTransfer?.files.length) this.uploads.add(event.dataTransfer.files);
    });
    return zone;
  }

  show() {
    if (!known) mark(this.list, "t", "loading");
    this.learn();
    this.reload();
  }

  /** What this service allows: how large a file may be, and whether anything may change at all. */
  async learn() {
    if (this.learnt) return;
    const build = await version().catch(() => null);
    this.learnt = build !== null;
    if (build?.max_upload_bytes) setUploadLimit(build.max_upload_bytes);
    mark(this.limits, "t", "documents.limits", { limit: size(build?.max_upload_bytes ?? 50 * 1024 * 1024) });
    this.classList.toggle("read-only", build?.read_only === true);
  }

  changed() {
    this.dispatchEvent(new Event("changed"));
    return this.reload();
  }

  async reload() {
    try {
      known = await listDocuments();
    } catch (error) {
      delete this.list.dataset.t;
      const text = error instanceof ApiError ? error.text : t("error.bad");
      fill(
        this.list,
        h(
          "li",
          {},
          h("p", { class: "notice bad" }, text),
          button("retry", () => this.reload(), {}, "retry"),
        ),
      );
      return;
    }
    delete this.list.dataset.t;
    this.draw();
  }

  choices(select, any, values, name) {
    const chosen = select.value;
    fill(
      select,
      h("option", { value: "", t: any }),
      values.map((value) => h("option", { value }, name(value))),
    );
    select.value = values.includes(chosen) ? chosen : "";
    select.hidden = values.length < 2;
  }

  draw() {
    const all = known ?? [];
    this.choices(this.language, "documents.any.language", [...new Set(all.map((one) => one.language))].sort(), languageName);
    this.choices(this.tag, "documents.any.tag", [...new Set(all.flatMap((one) => one.tags ?? []))].sort(collator().compare), (tag) => tag);
    const wanted = fold(this.filter.value.trim());
    const shown = all
      .filter((one) => !wanted || fold([one.title, one.file_name, one.publisher ?? ""].join("\n")).includes(wanted))
      .filter((one) => !this.language.value || one.language === this.language.value)
      .filter((one) => !this.tag.value || one.tags?.includes(this.tag.value))
      .sort((a, b) => collator().compare(a.title, b.title));
    this.tools.hidden = !all.length;
    mark(this.count, "t", "documents.count", { n: number(shown.length) });
    this.count.hidden = !all.length;
    if (shown.length)
      fill(
        this.list,
        shown.map((one) => this.row(one)),
      );
    else fill(this.list, h("li", { class: "empty", t: all.length ? "documents.nomatch" : "documents.none" }));
  }

  row(one) {
    const about = [one.publisher, one.date, languageName(one.language)].filter(Boolean).map((text) => h("span", {}, text));
    const amount = [
      one.page_count > 1 && h("span", { t: ["documents.pages", { n: number(one.page_count) }] }),
      one.passages > 0 && h("span", { t: ["documents.passages", { n: number(one.passages) }] }),
      one.size > 0 && h("span", {}, size(one.size)),
    ];
    const warnings =
      one.warnings?.length > 0 &&
      h(
        "details",
        { class: "why warned" },
        h("summary", { t: "documents.warnings" }),
        h(
          "ul",
          {},
          one.warnings.map((line) => h("li", {}, line)),
        ),
      );
    const row = h(
      "li",
      { class: "document" },
      h(
        "div",
        { class: "document-main" },
        h("h2", {}, h("a", { href: `#/documents/${encodeURIComponent(one.id)}?page=1`, lang: one.language }, one.title)),
        h("p", { class: "dots muted small" }, about, amount),
        h("p", { class: "muted small file-name" }, one.file_name),
        one.tags?.length > 0 &&
          h(
            "p",
            { class: "tags" },
            one.tags.map((tag) => h("span", { class: "tag" }, tag)),
          ),
        warnings,
      ),
      h(
        "div",
        { class: "document-acts" },
        button("documents.ask", () => this.askOnly(one)),
        button("documents.delete", () => this.remove(one, row), {}, "trash"),
      ),
    );
    return row;
  }

  askOnly(one) {
    clearScope();
    setScope({ documents: [{ id: one.id, title: one.title }] });
    location.hash = "#/";
  }

  async remove(one, row) {
    if (!(await confirmed("documents.delete.title", t("documents.delete.text", { title: one.title }), "documents.delete"))) return;
    row.classList.add("leaving");
    try {
      const job = await deleteDocument(one.id);
      if (job?.object === "job") await removed(job.id);
    } catch (error) {
      row.classList.remove("leaving");
      const text = error instanceof ApiError ? error.text : t("error.bad");
      this.list.prepend(h("li", {}, h("p", { class: "notice bad", role: "alert" }, text)));
      return;
    }
    announce(t("documents.deleted", { title: one.title }));
    this.filter.focus();
    this.changed();
  }
}

customElements.define("wj-library", LibraryElement);
