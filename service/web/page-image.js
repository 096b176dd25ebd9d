// The image of a page, with a box around the cited span: the service draws it, and the citation's own boxes say where to scroll to.

import { currentKey, getBlob, pageImageAddress } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";

function box(rect) {
  const element = h("div", { class: "page-box", "aria-hidden": "true" });
  const share = (value) => `${value * 100}%`;
  const [width, height] = [share(rect.x1 - rect.x0), share(rect.y1 - rect.y0)];
  Object.assign(element.style, { left: share(rect.x0), top: share(rect.y0), width, height });
  return element;
}

/** A sheet for the image; an image element sends no key, so with a key the bytes are fetched and shown as a blob. */
export function pageSheet(place, { signal, onLoad, onFail, onBlob }) {
  const cited = place.page === place.at;
  const address = pageImageAddress(place.id, place.page, cited ? place.start : 0, cited ? place.end : 0);
  const image = h("img", { class: "page-image", alt: t("source.image.alt", { title: place.title, page: place.page }) });
  image.addEventListener("load", onLoad, { once: true });
  image.addEventListener("error", onFail, { once: true });
  const boxes = cited ? place.rects.filter((rect) => rect.page === place.page).map(box) : [];
  if (currentKey()) fetchInto(image, address, { signal, onFail, onBlob });
  else image.src = address;
  return h("div", { class: "page-sheet" }, image, boxes);
}

async function fetchInto(image, address, { signal, onFail, onBlob }) {
  try {
    image.src = URL.createObjectURL(await getBlob(address, signal));
    onBlob(image.src);
  } catch (error) {
    if (error.name !== "AbortError") onFail();
  }
}
