import type { ReadRow, RowFault } from "./row.ts";

/** One JSON text of a file as a row: an object, or the fault that says why it is none. */
export function jsonRow(row: number, line: number, text: string, hint = ""): ReadRow {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { row, fault: jsonFault("bad_json", line, `is not JSON (${error instanceof Error ? shorten(error.message) : "unreadable"})${hint}`) };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { row, fault: jsonFault("not_an_object", line, `holds ${kindOf(value)}; every row must be a JSON object`) };
  }
  return { row, record: value as Record<string, unknown>, text };
}

export function jsonFault(code: string, line: number, what: string): RowFault {
  return { code, message: `Line ${line} ${what}`, line };
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

/** JSON.parse quotes the text it could not read; payloads do not belong in messages beyond a few characters. */
function shorten(message: string): string {
  return message.replace(/\s+/g, " ").slice(0, 120);
}
