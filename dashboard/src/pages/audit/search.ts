export const OUTCOMES = ["SUCCESS", "FAILURE", "BLOCKED", "RATE_LIMITED", "SUSPICIOUS"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What stands in the address of the audit log. */
export interface AuditSearch {
  actor?: string;
  action?: string;
  target?: string;
  outcome?: Outcome;
  /** Inclusive, exclusive; ISO 8601. */
  from?: string;
  to?: string;
}

export function auditSearch(given: Record<string, unknown>): AuditSearch {
  const text = (name: keyof AuditSearch, most: number): Record<string, string> => {
    const value = given[name];
    return typeof value === "string" && value !== "" ? { [name]: value.slice(0, most) } : {};
  };
  const instant = (name: "from" | "to"): Record<string, string> => {
    const value = given[name];
    return typeof value === "string" && !Number.isNaN(Date.parse(value)) ? { [name]: new Date(value).toISOString() } : {};
  };
  const outcome = OUTCOMES.find((each) => each === given["outcome"]);
  return {
    ...text("actor", 300),
    ...text("action", 100),
    ...text("target", 1_000),
    ...(outcome === undefined ? {} : { outcome }),
    ...instant("from"),
    ...instant("to"),
  };
}
