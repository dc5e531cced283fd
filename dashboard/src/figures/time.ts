import { duration } from "./duration.ts";

const absolute = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** "22 Nov 2026, 08:15:04" with the zone's name, for titles. */
export function fullTime(at: string | number): string {
  return `${absolute.format(new Date(at))} (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
}

/** "just now", "40 s ago", "in 3 min". Whole steps, so that a list does not flicker every second. */
export function relativeTime(at: string | number, now: number): string {
  const ms = new Date(at).getTime() - now;
  const away = Math.abs(ms);
  if (away < 5_000) return "just now";
  const step = away < 60_000 ? 5_000 : away < 3_600_000 ? 60_000 : away < 86_400_000 ? 3_600_000 : 86_400_000;
  const text = duration(Math.floor(away / step) * step).replace(".0 s", " s");
  return ms > 0 ? `in ${text}` : `${text} ago`;
}
