export type Severity = "info" | "warning" | "critical";

/** An event before it is in the log. */
export interface EventDraft {
  tenant: string;
  /** `noun.verb`, see src/events/catalogue.ts */
  type: string;
  entity: { kind: string; id: string };
  severity: Severity;
  /** Unix milliseconds. */
  ts: number;
  data: Record<string, unknown>;
}

/** An event of the log: `seq` grows without gaps a reader could miss, `epoch` changes when the log starts anew. */
export interface StoredEvent extends EventDraft {
  seq: number;
  epoch: string;
}
