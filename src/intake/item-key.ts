import { BatchyardError } from "../model/errors.ts";

/** Where an item's key is looked for, in this order, when no key field is named. */
const KEY_FIELDS = ["nodeId", "id", "custom_id"] as const;

const MAX_KEY_LENGTH = 512;
export const KEY_RULE = `a key is a string of 1 to ${MAX_KEY_LENGTH} characters, or a whole number; no control characters, no "." or ".." between slashes`;

/** A key, or the sentence that says why there is none. */
export type KeyAnswer = { key: string } | { fault: string };

/** The fields a key is taken from. */
export function keyFields(keyField: string | undefined): readonly string[] {
  return keyField === undefined ? KEY_FIELDS : [keyField];
}

/**
 * The key of an item whose payload is at hand: its key field, else `item_<position>`; a key field that was asked for must be there.
 * `position` is 1-based. Throws bad_items with code bad_id.
 */
export function itemKey(payload: unknown, position: number, keyField?: string): string {
  const answer = keyOfPayload(payload, position, keyField);
  if ("key" in answer) return answer.key;
  const path = `item ${position}`;
  throw new BatchyardError(
    "bad_items",
    { count: 1, summary: `${path}: ${answer.fault}` },
    { errors: [{ path, code: "bad_id", message: answer.fault }] },
  );
}

function keyOfPayload(payload: unknown, position: number, keyField: string | undefined): KeyAnswer {
  if (typeof payload === "object" && payload !== null) {
    for (const field of keyFields(keyField)) {
      if (Object.hasOwn(payload, field)) return keyOfValue((payload as Record<string, unknown>)[field], field);
    }
  }
  return keyOfNone(position, keyField);
}

function keyOfNone(position: number, keyField: string | undefined): KeyAnswer {
  return keyField === undefined ? { key: `item_${position}` } : { fault: `there is no field "${keyField}" to take the key from` };
}

/** The same rule on a text that has been scanned: `found[i]` is where the value of `fields[i]` starts, or -1. */
export function keyOfText(
  text: string,
  found: Int32Array,
  fields: readonly string[],
  position: number,
  keyField: string | undefined,
): KeyAnswer {
  for (let f = 0; f < fields.length; f++) {
    if (found[f]! >= 0) return keyOfSource(text, found[f]!, fields[f]!);
  }
  return keyOfNone(position, keyField);
}

function keyOfSource(text: string, start: number, field: string): KeyAnswer {
  let from = start;
  while (text.charCodeAt(from) <= 0x20) from++;
  if (text.charCodeAt(from) === 0x22) {
    let to = ++from;
    let isPlain = true;
    for (let c = text.charCodeAt(to); c !== 0x22; c = text.charCodeAt(++to)) {
      if (c !== 0x5c) continue;
      isPlain = false;
      to++;
    }
    const raw = text.slice(from, to);
    return keyOfString(isPlain ? raw : (JSON.parse(`"${raw}"`) as string), field);
  }
  const number = /-?\d[\d.eE+-]*/y;
  number.lastIndex = from;
  const digits = number.exec(text)?.[0];
  if (digits === undefined) return { fault: `the field "${field}" is ${wordFor(text.charAt(from))}; ${KEY_RULE}` };
  // Digits are kept as they stand, so that keys beyond 2^53 stay apart.
  if (/^-?\d+$/.test(digits)) return keyOfString(digits === "-0" ? "0" : digits, field);
  return keyOfValue(Number(digits), field);
}

function keyOfValue(value: unknown, field: string): KeyAnswer {
  if (typeof value === "string") return keyOfString(value, field);
  if (Number.isSafeInteger(value)) return { key: String(value) };
  if (typeof value === "number") {
    return {
      fault: `the field "${field}" is ${value}, ${Number.isInteger(value) ? "too large to be exact; send it as a string" : "not a whole number"}; ${KEY_RULE}`,
    };
  }
  return { fault: `the field "${field}" is ${wordFor(JSON.stringify(value)?.charAt(0) ?? "")}; ${KEY_RULE}` };
}

function keyOfString(key: string, field: string): KeyAnswer {
  if (key.length > 0 && key.length <= MAX_KEY_LENGTH && isCleanKey(key)) return { key };
  const shown = key.length === 0 ? "empty" : key.length > MAX_KEY_LENGTH ? `${key.length} characters long` : JSON.stringify(key);
  return { fault: `the field "${field}" is ${shown}; ${KEY_RULE}` };
}

/** No control characters, no line separators, no step of a path: of a key whose length fits. */
export function isCleanKey(key: string): boolean {
  let hasDot = false;
  for (let i = 0; i < key.length; i++) {
    const c = key.charCodeAt(i);
    if (c < 0x20 || (c >= 0x7f && c <= 0x9f) || c === 0x2028 || c === 0x2029) return false;
    if (c === 0x2e) hasDot = true;
  }
  return !hasDot || !/(?:^|[/\\])\.\.?(?:[/\\]|$)/.test(key);
}

function wordFor(first: string): string {
  if (first === "{") return "an object";
  if (first === "[") return "an array";
  if (first === "t" || first === "f") return "a boolean";
  return first === "n" ? "null" : "no JSON value";
}
