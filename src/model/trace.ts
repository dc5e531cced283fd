/** W3C Trace Context: `00-<trace id>-<span id>-<flags>`, the one header that says which trace something belongs to. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The trace that a batch belongs to, as it is kept with the batch. */
export interface BatchTrace {
  /** The batch's own span: parent of its attempts, also of those after a restart. */
  context: string;
  /** The span that the batch's own has as its parent; null = the batch begins its trace. */
  parent: string | null;
}

/** A header as a traceparent of version 00; null when it is none, which counts as if it were absent. */
export function traceparentOf(header: unknown): string | null {
  const found = typeof header === "string" ? TRACEPARENT.exec(header) : null;
  if (found === null) return null;
  const [, version, traceId, spanId, flags, rest] = found;
  if (version === "ff" || (version === "00" && rest !== undefined) || /^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return null;
  return `00-${traceId}-${spanId}-${(Number.parseInt(flags!, 16) & 1) === 1 ? "01" : "00"}`;
}

/** 32 hexadecimal digits. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}
