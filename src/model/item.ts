/** An item as intake hands it on: its key and the exact JSON text of its payload (never re-serialised). */
export interface ItemText {
  readonly key: string;
  /** One JSON value on one line. */
  readonly text: string;
}

/** An item as a handler sees it. */
export interface Item {
  readonly key: string;
  readonly payload: unknown;
}

/** One settled item, as every door shows it. */
export interface ItemResult {
  nodeId: string;
  success: boolean;
  result?: unknown;
  error?: string;
  errorCode?: string;
  /** Retries after the first try. */
  retries: number;
  durationMs?: number;
  /** 0..1 */
  qualityScore?: number;
  /** US dollars. */
  cost?: number;
  /** ISO 8601 UTC. */
  createdAt: string;
}

/** Only transient, resource and rate_limit errors are retried. */
export const ERROR_CATEGORIES = ["transient", "resource", "rate_limit", "configuration", "data", "permanent"] as const;
export type ErrorCategory = (typeof ERROR_CATEGORIES)[number];

export function isRetryable(category: ErrorCategory): boolean {
  return category === "transient" || category === "resource" || category === "rate_limit";
}

/** JSON texts of a chunk are joined with this; a raw newline cannot occur inside one line of JSON, so the split is exact. */
export const LINE_JOINT = ",\n";

export function joinLines(lines: readonly string[]): string {
  return lines.join(LINE_JOINT);
}

export function splitLines(body: string): string[] {
  return body === "" ? [] : body.split(LINE_JOINT);
}

/** Parses a joined body in one go. */
export function parseLines(body: string): unknown[] {
  return JSON.parse(`[${body}]`) as unknown[];
}
