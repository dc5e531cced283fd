import { keyFields } from "../../../intake/item-key.ts";
import { OperationError } from "../../../model/failure.ts";

/** Longer texts are cut; the annotation says so. */
export const MAX_TEXT = 20_000;

const KEY_FIELDS = keyFields(undefined);

export interface ItemText {
  text: string;
  truncated: boolean;
}

/**
 * The text of an item: the item itself if it is a text, else its top-level text fields, one a line: `fields` if given, else all
 * but those that hold the item's key.
 * A field that is a list of texts counts. Fields without a letter (numbers, dates) and addresses of web pages are no text.
 * Throws OperationError `no_text`.
 */
export function textOf(payload: unknown, fields: readonly string[] | undefined): ItemText {
  const parts: string[] = [];
  let length = 0;
  for (const candidate of candidatesOf(payload, fields)) {
    const text = candidate.slice(0, MAX_TEXT + 1).trim();
    if (!/\p{L}/u.test(text) || /^https?:\/\/\S+$/i.test(text)) continue;
    parts.push(text);
    length += text.length + 1;
    if (length > MAX_TEXT) break;
  }
  if (parts.length === 0) {
    const where =
      fields === undefined ? "The item has no text field" : `None of the fields ${fields.map((name) => `'${name}'`).join(", ")} has text`;
    throw new OperationError(`${where}; name the fields to read in the option 'fields'`, { code: "no_text", category: "data" });
  }
  const text = parts.join("\n");
  return text.length > MAX_TEXT
    ? { text: text.slice(0, MAX_TEXT).toWellFormed(), truncated: true }
    : { text: text.toWellFormed(), truncated: false };
}

function* candidatesOf(payload: unknown, fields: readonly string[] | undefined): Generator<string> {
  if (typeof payload === "string") yield payload;
  if (typeof payload !== "object" || payload === null) return;
  const record = payload as Record<string, unknown>;
  for (const name of fields ?? Object.keys(record).filter((key) => !KEY_FIELDS.includes(key))) {
    const value = Object.hasOwn(record, name) ? record[name] : undefined;
    if (typeof value === "string") yield value;
    else if (Array.isArray(value)) for (const part of value) if (typeof part === "string") yield part;
  }
}
