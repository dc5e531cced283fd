import { brief, bytes, clock, compact, count } from "../terminal/figures.ts";
import { foreign } from "./text.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const DAY_MS = 86_400_000;
/** The unit a field is named after goes to its value. */
const UNITS: Readonly<Record<string, (value: number) => string>> = {
  bytes,
  seconds: (value) => brief(value * 1_000),
  ms: brief,
  percent: (value) => `${compact(value)} %`,
};

/** Each field of a record as words for people: nested ones by the names of both, nulls left out. */
export function factsOf(record: Readonly<Record<string, unknown>>, now: number, within = ""): [name: string, value: string][] {
  return Object.entries(record).flatMap(([field, value]): [string, string][] => {
    const name = `${within}${wordsOf(field)}`;
    if (value === null || value === undefined || value === "") return [];
    if (typeof value === "object" && !Array.isArray(value)) return factsOf(value as Record<string, unknown>, now, `${name} `);
    if (typeof value === "number") return [numberOf(name, value)];
    return [[name, written(value, now)]];
  });
}

/** A moment as a clock shows it here, and how long ago; other texts as they are. */
export function momentOf(text: string, now: number): string {
  const at = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) return text;
  const ago = at <= now ? `${brief(now - at)} ago` : `in ${brief(at - now)}`;
  return `${Math.abs(now - at) < DAY_MS ? clock(at) : `${dayOf(at)} ${clock(at)}`}, ${ago}`;
}

function numberOf(name: string, value: number): [string, string] {
  const [, bare = name, unit = ""] = /^(.*) (\w+)$/.exec(name) ?? [];
  const write = Object.hasOwn(UNITS, unit) ? UNITS[unit]! : null;
  if (write !== null) return [bare, write(value)];
  return [name, Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(3)))];
}

function written(value: unknown, now: number): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return foreign(momentOf(value, now));
  if (Array.isArray(value) && value.every((each) => typeof each !== "object"))
    return value.length === 0 ? "none" : foreign(value.map(String).join(", "));
  return foreign(JSON.stringify(value));
}

/** `openedAt`, `opened_at` → `opened at` */
function wordsOf(field: string): string {
  return foreign(
    field
      .replaceAll("_", " ")
      .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
      .toLowerCase(),
  );
}

function dayOf(at: number): string {
  const day = new Date(at);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}
