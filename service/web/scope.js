// What the search is limited to: documents, languages, tags and dates. It holds until it is cleared, in this tab.

let scope = { documents: [], languages: [], tags: [], from: "", to: "" };
const events = new EventTarget();

export const getScope = () => scope;
export const onScope = (listener) => events.addEventListener("change", listener);

export function setScope(changes) {
  scope = { ...scope, ...changes };
  events.dispatchEvent(new Event("change"));
}

export const clearScope = () => setScope({ documents: [], languages: [], tags: [], from: "", to: "" });

export const isLimited = () => Boolean(scope.documents.length || scope.languages.length || scope.tags.length || scope.from || scope.to);

/** The `filters` of a question, null when nothing is limited. */
export function filters() {
  if (!isLimited()) return null;
  const { documents, languages, tags, from, to } = scope;
  return {
    ...(documents.length && { document_ids: documents.map((document) => document.id) }),
    ...(languages.length && { languages }),
    ...(tags.length && { tags }),
    ...(from && { date_from: from }),
    ...(to && { date_to: to }),
  };
}
