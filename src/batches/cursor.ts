import { BatchyardError } from "../model/errors.ts";

/** Cursors are opaque to clients: base64url of a JSON array that starts with the name of the list it belongs to. */
export function encodeCursor(list: string, place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([list, ...place])).toString("base64url");
}

/** Throws invalid_cursor for anything that encodeCursor did not make for this list; numbers are whole and not negative. */
export function decodeCursor(list: string, text: string, shape: readonly ("string" | "number")[]): (string | number)[] {
  try {
    const [name, ...place] = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as unknown[];
    const fits =
      name === list &&
      place.length === shape.length &&
      place.every((value, i) => typeof value === shape[i] && (typeof value === "string" || isPlace(value)));
    if (fits) return place as (string | number)[];
  } catch {
    // Not ours either.
  }
  throw new BatchyardError("invalid_cursor");
}

function isPlace(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
