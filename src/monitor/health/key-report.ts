import { sourceOf } from "../../model/flow.ts";
import type { MonitorStore } from "../../store/port.ts";
import { meanOf } from "../metrics/history.ts";

const HOUR_MS = 3_600_000;
/** Keys that are shown; the rest goes together. */
const TOP = 100;

export interface KeyReport {
  /** Null = all keys beyond those shown. */
  key: string | null;
  items: number;
  itemsPerMinute: number;
  windows: number;
  /** Items in windows that closed. */
  windowItems: number;
  ageMeanMs: number | null;
  ageP95Ms: number | null;
}

/** What the keys of a stream brought in the last hours, most items first: counted exactly, by whole hours. */
export async function keysOf(
  monitor: MonitorStore,
  asked: { tenant: string; stream: string; hours: number },
  now: number,
): Promise<KeyReport[]> {
  const { tenant, stream, hours } = asked;
  const beginning = sourceOf.key(stream, "");
  const from = now - (now % HOUR_MS) - (hours - 1) * HOUR_MS;
  const range = { tenant, from, to: now + 1, sources: [beginning] };
  const counts = new Map<string, Map<string, number>>();
  for (const { source, metric, value } of await monitor.flow(range, null)) {
    const own = counts.get(source) ?? new Map<string, number>();
    counts.set(source, own.set(metric, value));
  }
  const ages = new Map((await monitor.measured(range, "age", null)).map(({ source, sketch }) => [source, sketch]));
  const minutes = Math.max(1, (now - from) / 60_000);
  const keys = [...counts].map(([source, own]): KeyReport => {
    const items = own.get("items.received") ?? 0;
    const age = ages.get(source);
    return {
      key: source.slice(beginning.length),
      items,
      itemsPerMinute: items / minutes,
      windows: own.get("windows.closed") ?? 0,
      windowItems: own.get("windows.items") ?? 0,
      ageMeanMs: age === undefined ? null : meanOf(age),
      ageP95Ms: age?.quantile(0.95) ?? null,
    };
  });
  keys.sort((a, b) => b.items - a.items || (a.key! < b.key! ? -1 : 1));
  const rest = keys.slice(TOP);
  if (rest.length === 0) return keys;
  const sum = (of: (key: KeyReport) => number): number => rest.reduce((total, key) => total + of(key), 0);
  const others = { items: sum((key) => key.items), windows: sum((key) => key.windows), windowItems: sum((key) => key.windowItems) };
  return [...keys.slice(0, TOP), { key: null, ...others, itemsPerMinute: others.items / minutes, ageMeanMs: null, ageP95Ms: null }];
}
