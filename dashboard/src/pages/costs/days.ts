import type { Range } from "./search.ts";

const DAY_MS = 86_400_000;
const LENGTHS: Readonly<Record<Exclude<Range, "month">, number>> = { "7d": 7, "30d": 30, "90d": 90 };

/** The first day of a range that ends today, UTC: "2026-11-01". */
export function firstDay(range: Range, now: number): string {
  const day = new Date(range === "month" ? now : now - (LENGTHS[range] - 1) * DAY_MS).toISOString().slice(0, 10);
  return range === "month" ? `${day.slice(0, 8)}01` : day;
}

/** Days since 1970-01-01 of the UTC days from one to another, both inclusive. */
export function daysBetween(from: string, to: string): number[] {
  const [first, last] = [dayNumber(from), dayNumber(to)];
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}

export function dayNumber(day: string): number {
  return Math.floor(Date.parse(day) / DAY_MS);
}

const written = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** "22 Nov" */
export function dayName(day: number): string {
  return written.format(new Date(day * DAY_MS));
}
