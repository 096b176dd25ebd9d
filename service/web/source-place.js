// Where the source panel looks: a document, a page of it, a span on that page.

/** The place of a citation. */
export function placeOf(citation) {
  const address = new URLSearchParams(citation.url?.split("?")[1] ?? "");
  const page = citation.page ?? (Number.parseInt(address.get("page") ?? "1", 10) || 1);
  return {
    id: citation.document_id,
    title: citation.document_title,
    language: citation.language,
    page,
    at: page,
    rects: citation.rects ?? [],
    start: citation.start_char_index,
    end: citation.end_char_index,
    cited: citation.cited_text,
    paged: citation.type === "page_location",
  };
}

/** The place of an address, before anything is known of its document. */
export const placeAt = (id, page, start, end) => ({ id, title: "", language: "", page, at: page, start, end, rects: [], cited: "", paged: false });

/** The address of a place; away from the cited page it names the page alone. */
export function addressOf({ id, page, at, start, end }) {
  const span = page === at && end > start ? `&start=${start}&end=${end}` : "";
  return `#/documents/${encodeURIComponent(id)}?page=${page}${span}`;
}
