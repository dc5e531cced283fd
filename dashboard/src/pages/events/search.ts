export const SEVERITIES = ["info", "warning", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What stands in the address of the events. */
export interface EventsSearch {
  /** Types separated by commas; `batch.*` is a whole noun. All without it. */
  types?: string;
  /** The least severity shown. */
  severity?: "warning" | "critical";
  /** Text that stands somewhere in the event. */
  q?: string;
  /** A time or a cursor: what happened from there on, instead of what happens. */
  at?: string;
}

const TYPE = /^[a-z]+\.(?:[a-z_]+|\*)$/;

export function eventsSearch({ types, severity, q, at }: Record<string, unknown>): EventsSearch {
  const chosen = typeof types === "string" ? types.split(",").filter((type) => TYPE.test(type)) : [];
  return {
    ...(chosen.length > 0 ? { types: chosen.slice(0, 50).join(",") } : {}),
    ...(severity === "warning" || severity === "critical" ? { severity } : {}),
    ...(typeof q === "string" && q !== "" ? { q: q.slice(0, 200) } : {}),
    ...(typeof at === "string" && at !== "" ? { at: at.slice(0, 200) } : {}),
  };
}

/** The severities from this one on. */
export function severitiesFrom(least: EventsSearch["severity"]): readonly Severity[] {
  return least === undefined ? SEVERITIES : SEVERITIES.slice(SEVERITIES.indexOf(least));
}
