import { BATCH_STATES } from "../model/moves.ts";
import type { BatchStatus, HistoryQuery } from "./wire.ts";

/** What a list of batches can be narrowed by, as the API takes it. */
export type BatchFilter = Omit<HistoryQuery, "limit" | "offset" | "cursor" | "sort" | "order">;

/** What a search text means to the API, and what of it nobody understands. */
export interface Qualified {
  filter: BatchFilter;
  unknown: readonly string[];
}

export const QUALIFIERS = [
  "op:",
  "state:",
  "stream:",
  "key:",
  "reason:",
  "worker:",
  "error:",
  "replay:",
  "tag:",
  "name:",
  "id:",
  "after:",
  "before:",
  "age<",
  "age>",
  "items<",
  "items>",
] as const;

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const GRAIN_MS = 60_000;

/** `op:transform stream:detections tag:nightly after:2026-01-01 age<2h items>100 some words`; values with blanks in double quotes. */
export function qualified(text: string, now: number): Qualified {
  const filter: BatchFilter = {};
  const unknown: string[] = [];
  const words: string[] = [];
  for (const [part] of text.matchAll(/[^\s"]*"[^"]*"|\S+/g)) {
    const [, name = "", given = ""] = /^(\w+[:<>])(.*)$/.exec(part) ?? [];
    const value = given.replaceAll('"', "");
    if (name === "") words.push(part.replaceAll('"', ""));
    else if (value === "") unknown.push(part);
    else if (name === "op:" || name === "operation:") filter.operation = value;
    else if (name === "state:" || name === "status:") {
      if (isStatus(value)) filter.status = value;
      else unknown.push(part);
    } else if (name === "stream:" || name === "source:") filter.stream = value;
    else if (name === "tag:") filter.tag = value;
    else if (name === "key:") filter.key = value;
    else if (name === "reason:") filter.closeReason = value;
    else if (name === "worker:") filter.worker = value;
    else if (name === "error:") filter.error = value;
    else if (name === "replay:") filter.replayOf = value;
    else if (name === "id:") filter.id = value;
    else if (name === "name:") words.push(value);
    else if (name === "after:" || name === "before:") {
      const at = Date.parse(value);
      if (Number.isNaN(at)) unknown.push(part);
      else filter[name === "after:" ? "createdAfter" : "createdBefore"] = new Date(at).toISOString();
    } else if (name === "age<" || name === "age>") {
      const [, amount, unit = ""] = /^(\d+)([smhd])$/.exec(value) ?? [];
      if (amount === undefined) unknown.push(part);
      // To the minute, so that the same text stays the same question for a while.
      else
        filter[name === "age<" ? "createdAfter" : "createdBefore"] = new Date(
          Math.floor((now - Number(amount) * UNITS[unit]!) / GRAIN_MS) * GRAIN_MS,
        ).toISOString();
    } else if (name === "items<" || name === "items>" || name === "items:") {
      const items = /^\d{1,9}$/.test(value) ? Number(value) : null;
      if (items === null || (name === "items<" && items === 0)) unknown.push(part);
      else {
        if (name !== "items<") filter.minItems = name === "items>" ? items + 1 : items;
        if (name !== "items>") filter.maxItems = name === "items<" ? items - 1 : items;
      }
    } else unknown.push(part);
  }
  if (words.length > 0) filter.name = words.join(" ");
  return { filter, unknown };
}

function isStatus(value: string): value is BatchStatus {
  return (BATCH_STATES as readonly string[]).includes(value);
}
