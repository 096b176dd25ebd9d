// Eval runs and sets as data: what a run says, what changed between two, what is wrong with a file. Nothing of the page.

/** Measures that are a share of 1; the others are counts, ranks or times. */
export const isShare = (name) => !/_ms$|latency|seconds/.test(name);

const measureOf = ([name, { value, low, high, n }]) => ({ name, value, low, high, n });

/** A run as the service keeps it, or as `wenju eval run --json` wrote it. */
export function readRun(raw) {
  const { summary = {}, fingerprint = {} } = raw;
  const gate = Array.isArray(raw.gate) && raw.gate.length > 0 ? raw.gate.every((one) => one.passed) : null;
  const measures = Object.entries(summary.headline ?? raw.measures ?? {}).filter(([, one]) => typeof one?.value === "number");
  return {
    id: raw.id ?? "",
    set: raw.set ?? (fingerprint.sets ?? []).map((path) => path.split("/").at(-1)).join(", "),
    state: raw.state ?? "done",
    time: (raw.created ?? 0) * 1000,
    questions: raw.questions ?? summary.questions ?? null,
    done: raw.done ?? 0,
    errors: raw.errors ?? [],
    gate,
    measures: measures.map(measureOf),
    slices: summary.slices ?? {},
    latency: summary.latency_ms ?? null,
    results: raw.results ?? null,
  };
}

/** 1 if a question went right (answered rightly, or refused rightly), 0 if not, null if it measures retrieval alone. */
export function outcome({ answerable, scores }) {
  if (!answerable) return scores.refused_right;
  return scores.accuracy ?? scores["hit@5"] ?? null;
}

/** McNemar's exact test, two-sided: how likely so uneven a split of won and lost is by chance alone. */
export function chance(won, lost) {
  const n = won + lost;
  let log = -n * Math.LN2; // as a logarithm: 0.5 ** 2000 is no number any more
  let sum = 0;
  for (let i = 0; i <= Math.min(won, lost); i += 1) {
    sum += Math.exp(log);
    log += Math.log((n - i) / (i + 1));
  }
  return Math.min(1, 2 * sum);
}

/** The questions that two runs share: won, lost, and the two results of each. */
export function changes(before, after) {
  const old = new Map((before?.results ?? []).map((result) => [result.id, result]));
  const pairs = (after.results ?? []).filter((result) => old.has(result.id)).map((result) => ({ before: old.get(result.id), after: result }));
  const moved = (sign) => pairs.filter((pair) => Math.sign((outcome(pair.after) ?? 0) - (outcome(pair.before) ?? 0)) === sign);
  return { shared: pairs.length, won: moved(1), lost: moved(-1) };
}

export class FileError extends Error {
  /** @param {string} key of the string tables @param {object} values */
  constructor(key, values = {}) {
    super(key);
    Object.assign(this, { key, values });
  }
}

const NEEDED = { id: "string", group_id: "string", language: "string", question: "string", answerable: "boolean" };

function parse(text, line) {
  try {
    return JSON.parse(text);
  } catch {
    throw new FileError(line ? "evals.file.line" : "evals.file.bad", { line });
  }
}

/** The questions of a set: one JSON object on each line. */
function readSet(text) {
  const cases = [];
  const seen = new Set();
  text.split("\n").forEach((row, i) => {
    if (!row.trim()) return;
    const one = parse(row, i + 1);
    for (const [name, kind] of Object.entries(NEEDED))
      if (typeof one?.[name] !== kind) throw new FileError("evals.file.field", { line: i + 1, name });
    if (seen.has(one.id)) throw new FileError("evals.file.twice", { line: i + 1, name: one.id });
    seen.add(one.id);
    cases.push(one);
  });
  if (!cases.length) throw new FileError("evals.file.bad");
  return cases;
}

/** What a chosen file holds: `{run}` or `{set}`. */
export function readFile(name, text) {
  const clean = text.replace(/^\uFEFF/, "");
  if (/\.json$/i.test(name)) {
    const raw = parse(clean, 0);
    if (raw?.object !== "eval_run" || !Array.isArray(raw.results)) throw new FileError("evals.file.bad");
    return { run: readRun(raw) };
  }
  return { set: { name, cases: readSet(clean) } };
}

export const setText = (cases) => cases.map((one) => `${JSON.stringify(one)}\n`).join("");
