import { z } from "zod";
import type { Item } from "../../model/item.ts";
import { defineOperation } from "../define.ts";

/** How much a thing of this kind counts, 0..100; labels are compared in lower case. */
const WEIGHTS: Readonly<Record<string, number>> = {
  weapon: 100,
  gun: 100,
  knife: 90,
  fire: 90,
  smoke: 70,
  person: 60,
  car: 35,
  truck: 40,
  bus: 30,
  motorcycle: 35,
  bicycle: 25,
  package: 25,
  dog: 15,
  cat: 10,
  bird: 5,
};
const UNKNOWN_WEIGHT = 20;
/** A detection that does not say how sure it is. */
const UNKNOWN_CONFIDENCE = 0.5;
const LARGEST_CROWD = 20;
const LARGEST_MIX = 15;
const NAMED_LABELS = 5;

const options = z.strictObject({
  weights: z
    .record(z.string().min(1), z.number().min(0).max(100))
    .optional()
    .meta({ description: "Weight of a label, 0 to 100, over those that are built in (person 60, car 35, dog 15, …; others 20)" }),
});

export interface Analysis {
  /** 0..100, whole. */
  risk_score: number;
  risk_level: "low" | "medium" | "high" | "critical";
  summary: string;
}

interface Seen {
  label: string;
  confidence: number;
}

/**
 * Scores the risk of a window of detections, the same for the same items in any order.
 *
 *   strongest = max over items of weight(label) · confidence
 *   crowd     = min(20, 5 · log2(n)),  n = sum of the confidences of items whose weight is at least 20, if n > 1
 *   mix       = min(15, 5 · (kinds − 1)),  kinds = different labels among those items
 *   score     = round(min(100, strongest + crowd + mix))
 *
 * Below 30 low, below 60 medium, below 85 high, else critical.
 */
export function analysisOf(payloads: readonly unknown[], weights: Readonly<Record<string, number>> = {}): Analysis {
  const table = { ...WEIGHTS, ...lowered(weights) };
  const weight = (label: string): number => (Object.hasOwn(table, label) ? table[label]! : UNKNOWN_WEIGHT);
  const seen = payloads.map(read);
  let strongest: Seen | null = null;
  let crowd = 0;
  const kinds = new Set<string>();
  const counts = new Map<string, number>();
  for (const each of seen) {
    if (strongest === null || weight(each.label) * each.confidence > weight(strongest.label) * strongest.confidence) strongest = each;
    counts.set(each.label, (counts.get(each.label) ?? 0) + 1);
    if (weight(each.label) < UNKNOWN_WEIGHT) continue;
    crowd += each.confidence;
    kinds.add(each.label);
  }
  const top = strongest === null ? 0 : weight(strongest.label) * strongest.confidence;
  const crowded = crowd > 1 ? Math.min(LARGEST_CROWD, 5 * Math.log2(crowd)) : 0;
  const mixed = Math.min(LARGEST_MIX, 5 * Math.max(0, kinds.size - 1));
  const score = Math.round(Math.min(100, top + crowded + mixed));
  return { risk_score: score, risk_level: levelOf(score), summary: sentence(seen.length, counts, strongest) };
}

function levelOf(score: number): Analysis["risk_level"] {
  return score < 30 ? "low" : score < 60 ? "medium" : score < 85 ? "high" : "critical";
}

function read(payload: unknown): Seen {
  const { label, confidence } = (typeof payload === "object" && payload !== null ? payload : {}) as Record<string, unknown>;
  const sure = typeof confidence === "number" ? Math.min(1, Math.max(0, confidence)) : UNKNOWN_CONFIDENCE;
  return { label: typeof label === "string" && label !== "" ? label.toLowerCase() : "unknown", confidence: sure };
}

function lowered(weights: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(weights).map(([label, value]) => [label.toLowerCase(), value]));
}

function sentence(items: number, counts: ReadonlyMap<string, number>, strongest: Seen | null): string {
  const rows = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const named = rows.slice(0, NAMED_LABELS).map(([label, count]) => `${count} ${label}`);
  if (rows.length > NAMED_LABELS) named.push(`${rows.length - NAMED_LABELS} other kinds`);
  const most = strongest === null ? "" : `; strongest: ${strongest.label} at ${strongest.confidence}`;
  return `${items} detection${items === 1 ? "" : "s"}: ${named.join(", ")}${most}`;
}

/** One call for all items of a window; every item gets the verdict on the whole. */
export const analyze = defineOperation({
  name: "analyze",
  free: true,
  description: "Scores the risk of a window of detections from their labels and confidences, one call a window.",
  options,
  processBatch(items: Item[], { options: { weights } }) {
    const result = analysisOf(
      items.map((item) => item.payload),
      weights,
    );
    return items.map(({ key }) => ({ key, result }));
  },
});
