// The line under the head that says when the service is away, restarting or working in part, and when it is back.

import { readiness } from "./api.js";
import { announce, fill, h } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { partNames } from "./turn.js";

const RECHECK = 60_000;
const WAITS = [2000, 3000, 5000, 10_000];

export class BannerElement extends HTMLElement {
  connectedCallback() {
    this.hidden = true;
    this.timer = 0;
    this.tries = 0;
    this.state = "ready";
    this.back = [];
    addEventListener("offline", () => this.watch());
    addEventListener("online", () => this.timer && this.check());
    onLanguage(() => this.draw());
  }

  onBack(listener) {
    this.back.push(listener);
  }

  /** Something failed: look at once, and go on looking until it is well. */
  watch() {
    this.tries = 0;
    this.check();
  }

  async check() {
    clearTimeout(this.timer);
    this.timer = 0;
    const before = this.state;
    const { state, parts } = await readiness();
    this.state = state;
    this.parts = parts;
    const away = state === "offline" || state === "down";
    if (away) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.check(), WAITS[Math.min(this.tries, WAITS.length - 1)]);
      this.tries += 1;
    } else if (state === "degraded") this.timer = setTimeout(() => this.check(), RECHECK);
    const returned = (before === "offline" || before === "down") && !away;
    if (returned) for (const listener of this.back) listener();
    this.draw(returned);
    if (returned) {
      announce(t("banner.back"));
      setTimeout(() => this.draw(), 4000);
    } else if (state !== before && !this.hidden) announce(this.firstElementChild.textContent);
  }

  draw(returned = false) {
    const parts = partNames(this.parts ?? []);
    const keys = {
      offline: "banner.offline",
      empty: "banner.empty",
      degraded: "banner.degraded",
      down: parts ? "banner.down" : "banner.restarting",
    };
    const key = keys[this.state] && (this.state !== "degraded" || parts) ? keys[this.state] : returned ? "banner.back" : "";
    this.hidden = !key;
    this.dataset.state = returned && this.state === "ready" ? "back" : this.state;
    if (!key) return;
    const again = h("button", { type: "button", class: "button quiet", t: "banner.now", on: { click: () => this.watch() } });
    fill(this, h("p", {}, t(key, { parts })), (this.state === "offline" || this.state === "down") && again);
  }
}

customElements.define("wj-banner", BannerElement);
