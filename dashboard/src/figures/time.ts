import { preference, type Zone } from "../theme/preference.ts";
import { duration } from "./duration.ts";

const LOCAL = Intl.DateTimeFormat().resolvedOptions().timeZone;

function written(options: Intl.DateTimeFormatOptions): Readonly<Record<Zone, Intl.DateTimeFormat>> {
  return { local: new Intl.DateTimeFormat("en-GB", options), utc: new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }) };
}

const whole = written({ dateStyle: "medium", timeStyle: "medium" });
const short = written({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

const clock = written({ hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const day = written({ dateStyle: "medium" });
const parts = written({
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** "Europe/Berlin", or "UTC": in whose time the page is written. */
export function zoneName(): string {
  return preference.get().zone === "utc" ? "UTC" : LOCAL;
}

/** "22 Nov 2026, 08:15:04 (UTC)" in the chosen zone, for titles. */
export function fullTime(at: string | number): string {
  return `${whole[preference.get().zone].format(new Date(at))} (${zoneName()})`;
}

/** "22 Nov, 08:15" in the chosen zone: where the page says once which it is. */
export function shortTime(at: string | number): string {
  return short[preference.get().zone].format(new Date(at));
}

/** "08:15:04.120" in the chosen zone. */
export function clockTime(at: string | number): string {
  return clock[preference.get().zone].format(new Date(at));
}

/** "22 Nov 2026" in the chosen zone. */
export function dayOf(at: string | number): string {
  return day[preference.get().zone].format(new Date(at));
}

/** "2026-11-22T08:15:04" in the chosen zone, as a field for a date and time takes it. */
export function fieldTime(at: string | number): string {
  const found = parts[preference.get().zone].formatToParts(new Date(at));
  const part = Object.fromEntries(found.map(({ type, value }) => [type, value]));
  return `${part["year"]}-${part["month"]}-${part["day"]}T${part["hour"]}:${part["minute"]}:${part["second"]}`;
}

/** What such a field says, as ISO 8601; null when it says nothing. */
export function instantOf(field: string): string | null {
  const wanted = Date.parse(`${field}Z`);
  if (Number.isNaN(wanted)) return null;
  // The offset of the zone at about that time, and then at exactly that time: they differ around a change of the clocks.
  let at = wanted;
  for (let i = 0; i < 2; i += 1) at += wanted - Date.parse(`${fieldTime(at)}Z`);
  return new Date(at).toISOString();
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
