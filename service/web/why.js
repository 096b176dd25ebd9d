// "Why this passage": what the ranking and the check said of it, for people and as JSON.

import { announce, button, copyText, fill, h } from "./dom.js";
import { stateOf } from "./gone.js";
import { has, number, t } from "./i18n.js";
import { pageOf } from "./render.js";

const legName = (leg) => (has(`leg.${leg}`) ? t(`leg.${leg}`) : leg);
const figure = (value) => (typeof value === "number" ? number(Math.round(value * 1000) / 1000) : String(value));

function facts(citation, answer, rank) {
  const hit = answer.explain?.hits?.find((one) => one.passage_id === citation.passage_id);
  const rows = [
    [t("why.rank"), String(hit?.rank ?? rank)],
    [t("why.score"), figure(citation.score)],
  ];
  for (const [leg, score] of Object.entries(hit?.scores ?? {})) {
    // What has no name for readers is in the JSON.
    const [, name, rank] = /^(\w+?)(_rank)?$/.exec(leg) ?? [];
    if (typeof score === "number" && has(`leg.${name}`)) rows.push([t(rank ? "why.rank.of" : "why.score.of", { leg: legName(name) }), figure(score)]);
  }
  if (citation.heading?.length) rows.push([t("why.heading"), citation.heading.join(" › ")]);
  if (citation.page) rows.push([t("why.page"), pageOf(citation)]);
  rows.push([t("why.span"), `${citation.start_char_index}–${citation.end_char_index}`], [t("why.check"), t(stateOf(citation))]);
  if (answer.retrieval?.legs?.length) rows.push([t("why.legs"), answer.retrieval.legs.map(legName).join(", ")]);
  if (answer.timings_ms?.total) rows.push([t("why.time"), `${figure(answer.timings_ms.total)} ms`]);
  rows.push(
    [t("why.passage"), citation.passage_id],
    [t("why.generation"), answer.retrieval?.generation ?? ""],
    [t("why.answer"), answer.id],
    [t("why.request"), answer.request_id ?? ""],
  );
  return rows.filter(([, value]) => value !== "");
}

export function whyBox(citation, answer, rank) {
  const box = h("details", { class: "why" }, h("summary", { t: "cite.why" }));
  const list = h("dl", { class: "facts" });
  const draw = () =>
    box.isConnected &&
    box.open &&
    fill(
      list,
      facts(citation, answer, rank).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    );
  const copy = async () => {
    const { explain, retrieval, timings_ms, id, request_id } = answer;
    const hit = explain?.hits?.find((one) => one.passage_id === citation.passage_id);
    const all = { answer_id: id, request_id, citation, hit, retrieval, timings_ms };
    announce(t((await copyText(JSON.stringify(all, null, 2))) ? "copied" : "copy.failed"));
  };
  box.append(list, button("why.copy", copy, { class: "button link" }));
  box.addEventListener("toggle", draw);
  return box;
}
