import { BatchyardError } from "../model/errors.ts";

/** An opaque place in a list. `kind` names the list, so that a cursor of another list is refused. */
export function writeCursor(kind: string, place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([kind, ...place])).toString("base64url");
}

/** Throws invalid_cursor for anything that `writeCursor` did not write for this list with these types. */
export function readCursor(kind: string, cursor: string, types: readonly ("string" | "number")[]): (string | number)[] {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch {
    throw new BatchyardError("invalid_cursor");
  }
  if (!Array.isArray(value) || value[0] !== kind || value.length !== types.length + 1) throw new BatchyardError("invalid_cursor");
  const place: unknown[] = value.slice(1);
  return place.map((part, i) => {
    if ((typeof part === "string" || typeof part === "number") && typeof part === types[i]) return part;
    throw new BatchyardError("invalid_cursor");
  });
}
