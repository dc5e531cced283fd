/** Why one row could not be read; the rows around it are not touched by it. */
export interface RowFault {
  /** bad_csv, bad_xlsx, array_not_jsonl, key_missing, or a code of src/intake/scan-hints.ts (bad_json, …) */
  code: string;
  /** A sentence that names the place and the cure. */
  message: string;
  /** 1-based line of the file (row of the sheet) where it starts; null when none can be named. */
  line: number | null;
}

/**
 * One row of a file, numbered from 1 without the header.
 *
 *     { row: 1, record: { id: "a", price: "9.5" } }
 *     { row: 2, fault: { code: "bad_csv", message: "Line 3 has 5 cells, the header has 2; …", line: 3 } }
 */
export type ReadRow =
  | {
      row: number;
      record: Record<string, unknown>;
      /** The record's own JSON text on one line, where the file has one. */
      text?: string;
      fault?: undefined;
    }
  | { row: number; record?: undefined; text?: undefined; fault: RowFault };

/** Rows in the order of the file, in blocks that fit in memory. */
export type RowBlocks = AsyncGenerator<ReadRow[], void, undefined>;

/** A row or a JSON element longer than this is a fault: nothing larger can be an item. Bytes or UTF-16 units, whichever the reader counts. */
export const MAX_RECORD_LENGTH = 1024 * 1024;

/** Rows a block at most, where the reader chooses. */
export const BLOCK_ROWS = 1000;

const FAULT_FIELD = "$fault";

/** The payload of an item whose row could not be read: it travels as an item so that it fails as one. */
export function faultPayload(row: number, fault: RowFault): string {
  return JSON.stringify({ [FAULT_FIELD]: { row, ...fault } });
}

/** The fault an item carries instead of a payload, or null for every other payload. */
export function faultOf(payload: unknown): (RowFault & { row: number }) | null {
  if (typeof payload !== "object" || payload === null || !(FAULT_FIELD in payload) || Object.keys(payload).length !== 1) return null;
  const fault = payload[FAULT_FIELD];
  if (typeof fault !== "object" || fault === null) return null;
  const { row, code, message, line } = fault as Record<string, unknown>;
  if (typeof row !== "number" || typeof code !== "string" || typeof message !== "string") return null;
  return { row, code, message, line: typeof line === "number" ? line : null };
}
