/**
 * Several events of one type written as one, and read back.
 *
 *     batch.started {a:1,b:2}, batch.started {a:1,b:3}  →  batches.started {batch_count:2, a:1, events:[{b:2},{b:3}]}
 *     JOB_STARTED {job_id:1}, JOB_STARTED {job_id:2}    →  JOBS_BATCH_STARTED {job_ids:[1,2], batch_count:2}
 *
 * Fields that all of them share stand once; what differs is kept under `events`, in their order. Nothing is left out.
 */

type Data = Readonly<Record<string, unknown>>;

/** `noun.verb`, or `NOUN_VERB` in the upper-case dialect. */
export function mergedType(type: string): string {
  const dot = type.indexOf(".");
  if (dot > 0) return `${plural(type.slice(0, dot))}${type.slice(dot)}`;
  const [noun = type, ...verb] = type.split("_");
  return [`${noun}S_BATCH`, ...verb].join("_");
}

/** The type of the parts of a merged event; null when `type` is a single one. */
export function partType(type: string): string | null {
  const dot = type.indexOf(".");
  const noun = dot > 0 ? singular(type.slice(0, dot)) : null;
  return noun === null ? null : `${noun}${type.slice(dot)}`;
}

/** The upper-case name of an event: a batch is a job there. */
export function jobType(type: string): string {
  return type
    .replace(/^batch\./, "job.")
    .replaceAll(".", "_")
    .toUpperCase();
}

/** The data of an event in the upper-case dialect. */
export function jobData(data: Data): Record<string, unknown> {
  const { batch_id, error, duration_ms, ...rest } = data;
  return {
    ...(batch_id === undefined ? {} : { job_id: batch_id }),
    ...(error === undefined ? {} : { error_message: error }),
    ...(duration_ms === undefined ? {} : { processing_time_ms: duration_ms }),
    ...rest,
  };
}

export function mergeData(parts: readonly Data[]): Record<string, unknown> {
  const { common, rest } = split(parts);
  return { batch_count: parts.length, ...common, events: rest };
}

/** The parts that mergeData was given. */
export function unmergeData(data: Data): Record<string, unknown>[] {
  const { events, ...rest } = data;
  const common: Record<string, unknown> = rest;
  delete common["batch_count"];
  if (!Array.isArray(events)) return [];
  return events.flatMap((part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part) ? [{ ...common, ...part }] : [],
  );
}

const SPECIAL = ["job_id", "processing_time_ms", "error_message"];

/** Jobs: ids, times and error messages become lists; what else differs is kept under `events` beside its job_id. */
export function mergeJobs(type: string, parts: readonly Data[]): Record<string, unknown> {
  const ids = parts.map((part) => part["job_id"]);
  const others = parts.map((part) => Object.fromEntries(Object.entries(part).filter(([name]) => !SPECIAL.includes(name))));
  const { common, rest } = split(others);
  const differ = rest.some((part) => Object.keys(part).length > 0);
  const times = parts.map((part) => part["processing_time_ms"] ?? null);
  const measured = times.filter((time) => typeof time === "number");
  const messages = parts.map((part) => part["error_message"] ?? null);
  return {
    ...(type.endsWith("_FAILED") ? { items: ids.map((id, at) => ({ job_id: id, error_message: messages[at] })) } : {}),
    ...(ids.some((one) => one !== undefined) ? { job_ids: ids.map((one) => one ?? null) } : {}),
    batch_count: parts.length,
    ...(times.some((time) => time !== null)
      ? {
          processing_times_ms: times,
          avg_processing_time_ms: measured.length === 0 ? null : measured.reduce((sum, time) => sum + time, 0) / measured.length,
        }
      : {}),
    ...(type.endsWith("_FAILED") || messages.some((message) => message !== null) ? { error_messages: messages } : {}),
    ...common,
    ...(differ ? { events: rest.map((part, at) => (ids[at] === undefined ? part : { job_id: ids[at], ...part })) } : {}),
  };
}

/** Names that the merged event uses itself are never shared ones. */
const OWN = new Set(["events", "batch_count", "job_ids", "items", "processing_times_ms", "avg_processing_time_ms", "error_messages"]);

function split(parts: readonly Data[]): { common: Record<string, unknown>; rest: Record<string, unknown>[] } {
  const [first = {}, ...others] = parts;
  const common: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(first)) {
    if (value === undefined || OWN.has(name)) continue;
    const text = typeof value === "object" ? JSON.stringify(value) : null;
    const isShared = others.every(
      (part) => Object.hasOwn(part, name) && (text === null ? part[name] === value : JSON.stringify(part[name]) === text),
    );
    if (isShared) define(common, name, value);
  }
  const rest = parts.map((part) => {
    const differing: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(part)) if (!Object.hasOwn(common, name)) define(differing, name, value);
    return differing;
  });
  return { common, rest };
}

/** A field may be called __proto__. */
function define(record: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true });
}

function plural(noun: string): string {
  return noun.endsWith("ch") || noun.endsWith("s") ? `${noun}es` : `${noun}s`;
}

const NOUNS = [
  "item",
  "window",
  "batch",
  "chunk",
  "queue",
  "pipeline",
  "worker",
  "alert",
  "settings",
  "stream",
  "audit",
  "bulk",
  "upstream",
];
const SINGULARS = new Map(NOUNS.map((noun) => [plural(noun), noun]));

function singular(noun: string): string | null {
  return SINGULARS.get(noun) ?? null;
}
