import { isUtf8 } from "node:buffer";
import { LiveKeys, hashKey, hashStep, unescapeKey } from "./live-keys.ts";
import { explain, faultMessage } from "./scan-hints.ts";
import type { ScanCode } from "./scan-hints.ts";

export interface ScanLimits {
  /** Objects and arrays inside one another; the outermost counts as 1. */
  maxDepth: number;
  /** Keys of all objects together. */
  maxKeys: number;
  /** Characters of one key, unescaped. */
  maxKeyLength: number;
  /** Refuse anything but an object (`item_not_object`). */
  requireObject: boolean;
  /** Refuse keys that reach a prototype once parsed (`forbidden_key`): for bodies we act on, not for payloads we carry. */
  refusePrototypeKeys: boolean;
  /** Refuse integers that a double cannot hold exactly: for bodies we parse; payload text is carried verbatim. */
  refuseInexactIntegers: boolean;
}

/** An item's payload: an object, carried verbatim. */
export const ITEM_LIMITS: ScanLimits = {
  maxDepth: 64,
  maxKeys: 10_000,
  maxKeyLength: 1024,
  requireObject: true,
  refusePrototypeKeys: false,
  refuseInexactIntegers: false,
};

/** A request body that is parsed and acted on. */
export const CONTROL_LIMITS: ScanLimits = {
  maxDepth: 64,
  maxKeys: 10_000,
  maxKeyLength: 1024,
  requireObject: false,
  refusePrototypeKeys: true,
  refuseInexactIntegers: true,
};

/** Any JSON value within the limits of an item. */
export const VALUE_LIMITS: ScanLimits = { ...ITEM_LIMITS, requireObject: false };

export interface ScanFault {
  code: ScanCode;
  /** A sentence with the cure, without the position. */
  message: string;
  /** 1-based, in UTF-16 units. */
  column: number;
  /** The key that is repeated or forbidden, unescaped and cut at 60 characters. */
  key?: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;

/** A decimal number of fewer characters without exponent is always finite. */
const SURELY_FINITE = 300;

/**
 * A strict JSON scanner: accepts a subset of what JSON.parse accepts and refuses the rest with a code, a cure and a column.
 *
 * One pass over the characters, no recursion, and nothing allocated for a good text whose objects have few keys: it runs on
 * every line of a million. What it adds to JSON.parse: repeated keys, depth, key counts, NUL, lone surrogates, numbers that
 * would turn into Infinity.
 *
 * An object may watch top-level keys: after a good scan, `found[i]` is where the value of `watch[i]` starts, or -1.
 * A scanner is reusable but not re-entrant.
 */
export class JsonScanner {
  readonly found: Int32Array;
  readonly #limits: ScanLimits;
  readonly #watch: readonly string[];
  readonly #watchHash: Int32Array;
  /** Per depth (1-based): 1 for an object, 0 for an array. */
  readonly #kinds: Uint8Array;
  /** Per depth: 1 while the value of a key named "constructor" is read. */
  readonly #constructors: Uint8Array;
  readonly #live: LiveKeys;
  #keys = 0;
  #code: ScanCode = "bad_json";
  #at = 0;
  #message = "";
  #faultyKey: string | undefined;

  constructor(limits: ScanLimits = ITEM_LIMITS, watch: readonly string[] = []) {
    this.#limits = limits;
    this.#watch = watch;
    this.#watchHash = Int32Array.from(watch, hashKey);
    this.found = new Int32Array(watch.length).fill(-1);
    this.#kinds = new Uint8Array(limits.maxDepth + 1);
    this.#constructors = new Uint8Array(limits.maxDepth + 1);
    this.#live = new LiveKeys(limits.maxDepth);
  }

  /** Null when the text is one good JSON value. */
  scan(text: string): ScanFault | null {
    this.#keys = 0;
    this.found.fill(-1);
    const end = this.#value(text, text.length);
    if (end >= 0) return null;
    this.#live.clear();
    const fault = { code: this.#code, message: this.#message, column: this.#at + 1 };
    return this.#faultyKey === undefined ? fault : { ...fault, key: this.#faultyKey };
  }

  /** The whole text; -1 on a fault. */
  #value(text: string, end: number): number {
    const kinds = this.#kinds;
    const live = this.#live;
    let depth = 0;
    let i = 0;
    for (;;) {
      // A value starts at i, after white space.
      let c = i < end ? text.charCodeAt(i) : -1;
      while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = ++i < end ? text.charCodeAt(i) : -1;

      if (depth === 0 && c !== OPEN_OBJECT && this.#limits.requireObject) return this.#notObject(text, i, end);
      if (c === QUOTE) {
        i = this.#string(text, i + 1, end);
        if (i < 0) return -1;
      } else if (c === OPEN_OBJECT) {
        if (++depth > this.#limits.maxDepth) return this.#fail("too_deep", i, { limit: this.#limits.maxDepth });
        kinds[depth] = 1;
        live.open(depth);
        c = ++i < end ? text.charCodeAt(i) : -1;
        while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = ++i < end ? text.charCodeAt(i) : -1;
        if (c === QUOTE) {
          i = this.#key(text, i + 1, end, depth);
          if (i < 0) return -1;
          continue;
        }
        if (c !== CLOSE_OBJECT) return this.#unexpected(text, i, end, "a key in double quotes or }");
        live.close(depth);
        depth--;
        i++;
      } else if (c === OPEN_ARRAY) {
        if (++depth > this.#limits.maxDepth) return this.#fail("too_deep", i, { limit: this.#limits.maxDepth });
        kinds[depth] = 0;
        c = ++i < end ? text.charCodeAt(i) : -1;
        while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = ++i < end ? text.charCodeAt(i) : -1;
        if (c !== CLOSE_ARRAY) continue;
        depth--;
        i++;
      } else if (c === MINUS || (c >= 0x30 && c <= 0x39)) {
        i = this.#number(text, i, end);
        if (i < 0) return -1;
      } else if (c === 0x74 && isWord(text, i, end, 0x72, 0x75, 0x65)) i += 4;
      else if (c === 0x66 && isWord(text, i, end - 1, 0x61, 0x6c, 0x73) && text.charCodeAt(i + 4) === 0x65) i += 5;
      else if (c === 0x6e && isWord(text, i, end, 0x75, 0x6c, 0x6c)) i += 4;
      else return this.#unexpected(text, i, end, "a value");

      // A value has ended before i.
      for (;;) {
        c = i < end ? text.charCodeAt(i) : -1;
        while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = ++i < end ? text.charCodeAt(i) : -1;
        if (depth === 0) return c === -1 ? i : this.#unexpected(text, i, end, "the end");
        const inObject = kinds[depth] === 1;
        if (c === COMMA) {
          i++;
          if (!inObject) break;
          c = i < end ? text.charCodeAt(i) : -1;
          while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = ++i < end ? text.charCodeAt(i) : -1;
          if (c !== QUOTE) return this.#unexpected(text, i, end, "a key in double quotes");
          i = this.#key(text, i + 1, end, depth);
          if (i < 0) return -1;
          break;
        }
        if (inObject) {
          if (c !== CLOSE_OBJECT) return this.#unexpected(text, i, end, ", or }");
          live.close(depth);
        } else if (c !== CLOSE_ARRAY) return this.#unexpected(text, i, end, ", or ]");
        depth--;
        i++;
      }
    }
  }

  /** A string whose opening quote stands before `i`; the place after its closing quote. */
  #string(text: string, i: number, end: number): number {
    while (i < end) {
      const c = text.charCodeAt(i);
      if (c === QUOTE) return i + 1;
      if (c === BACKSLASH) {
        i = this.#escape(text, i, end);
        if (i < 0) return -1;
      } else if (c < 0x20) return this.#control(text, i);
      else if (c >= 0xd800 && c <= 0xdfff) {
        const low = i + 1 < end ? text.charCodeAt(i + 1) : 0;
        if (c >= 0xdc00 || low < 0xdc00 || low > 0xdfff) return this.#fail("bad_unicode", i);
        i += 2;
      } else i++;
    }
    return this.#unexpected(text, end, end, 'the closing "');
  }

  /** An escape whose backslash stands at `i`; the place after it. */
  #escape(text: string, i: number, end: number): number {
    const c = i + 1 < end ? text.charCodeAt(i + 1) : -1;
    // " \ / b f n r t
    if (c === QUOTE || c === BACKSLASH || c === 0x2f || c === 0x62 || c === 0x66 || c === 0x6e || c === 0x72 || c === 0x74) return i + 2;
    if (c !== 0x75) return this.#unexpected(text, c === -1 ? end : i, end, 'an escape (\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX)');
    const unit = hex4(text, i + 2, end);
    if (unit < 0) return this.#unexpected(text, Math.min(i + 2, end), end, "four hexadecimal digits after \\u");
    if (unit === 0) return this.#fail("nul_character", i);
    if (unit < 0xd800 || unit > 0xdfff) return i + 6;
    const isPair = unit < 0xdc00 && text.charCodeAt(i + 6) === BACKSLASH && text.charCodeAt(i + 7) === 0x75;
    const low = isPair ? hex4(text, i + 8, end) : -1;
    if (low < 0xdc00 || low > 0xdfff) return this.#fail("bad_unicode", i);
    return i + 12;
  }

  /** A key whose opening quote stands before `from`; the place after its colon. */
  #key(text: string, from: number, end: number, depth: number): number {
    let hash = 0;
    let i = from;
    let c = -1;
    for (; i < end; i++) {
      c = text.charCodeAt(i);
      if (c === QUOTE || c === BACKSLASH || c < 0x20 || c >= 0xd800) break;
      hash = hashStep(hash, c);
    }
    let to = i;
    let length = to - from;
    if (c === QUOTE && i < end) i++;
    else {
      i = this.#string(text, from, end);
      if (i < 0) return -1;
      to = i - 1;
      const key = unescapeKey(text, from, to);
      hash = hashKey(key);
      length = key.length;
    }
    const limits = this.#limits;
    if (length > limits.maxKeyLength) return this.#fail("key_too_long", from - 1, { limit: limits.maxKeyLength });
    if (++this.#keys > limits.maxKeys) return this.#fail("too_many_keys", from - 1, { limit: limits.maxKeys });
    if (limits.refusePrototypeKeys && this.#reachesPrototype(text, from, to, depth)) return -1;
    if (!this.#live.add(text, from, to, hash, depth))
      return this.#fail("duplicate_key", from - 1, { key: shorten(unescapeKey(text, from, to)) });

    c = i < end ? text.charCodeAt(i) : -1;
    while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = ++i < end ? text.charCodeAt(i) : -1;
    if (c !== COLON) return this.#unexpected(text, i, end, ":");
    i++;
    if (depth === 1) {
      for (let w = 0; w < this.#watchHash.length; w++) {
        if (this.#watchHash[w] === hash && unescapeKey(text, from, to) === this.#watch[w]) this.found[w] = i;
      }
    }
    return i;
  }

  /** `__proto__` anywhere, `prototype` right inside `constructor`. */
  #reachesPrototype(text: string, from: number, to: number, depth: number): boolean {
    const key = unescapeKey(text, from, to);
    const isNested = depth > 1 && this.#kinds[depth - 1] === 1 && this.#constructors[depth - 1] === 1;
    this.#constructors[depth] = key === "constructor" ? 1 : 0;
    if (key !== "__proto__" && !(key === "prototype" && isNested)) return false;
    this.#fail("forbidden_key", from - 1, { key });
    return true;
  }

  /** A number that starts at `start`; the place after it. */
  #number(text: string, start: number, end: number): number {
    let i = start;
    let c = text.charCodeAt(i);
    if (c === MINUS) c = ++i < end ? text.charCodeAt(i) : -1;
    if (c === 0x30) {
      c = ++i < end ? text.charCodeAt(i) : -1;
      if (c >= 0x30 && c <= 0x39) return this.#unexpected(text, i, end, "no digit after a leading 0");
    } else {
      if (c < 0x31 || c > 0x39) return this.#unexpected(text, i, end, "a digit");
      while (c >= 0x30 && c <= 0x39) c = ++i < end ? text.charCodeAt(i) : -1;
    }
    let isWhole = true;
    let hasExponent = false;
    if (c === 0x2e) {
      isWhole = false;
      c = ++i < end ? text.charCodeAt(i) : -1;
      if (c < 0x30 || c > 0x39) return this.#unexpected(text, i, end, "a digit after the decimal point");
      while (c >= 0x30 && c <= 0x39) c = ++i < end ? text.charCodeAt(i) : -1;
    }
    if (c === 0x65 || c === 0x45) {
      hasExponent = true;
      c = ++i < end ? text.charCodeAt(i) : -1;
      if (c === 0x2b || c === MINUS) c = ++i < end ? text.charCodeAt(i) : -1;
      if (c < 0x30 || c > 0x39) return this.#unexpected(text, i, end, "a digit of the exponent");
      while (c >= 0x30 && c <= 0x39) c = ++i < end ? text.charCodeAt(i) : -1;
    }
    if (hasExponent || i - start > SURELY_FINITE) {
      if (!Number.isFinite(Number(text.slice(start, i))))
        return this.#fail("number_out_of_range", start, { number: shorten(text.slice(start, i)) });
    }
    if (
      isWhole &&
      !hasExponent &&
      i - start > 15 &&
      this.#limits.refuseInexactIntegers &&
      !Number.isSafeInteger(Number(text.slice(start, i)))
    ) {
      return this.#fail("number_out_of_range", start, { inexact: shorten(text.slice(start, i)) });
    }
    return i;
  }

  /** A text that does not start like an object: bad JSON if it is that, else a value that is no object. */
  #notObject(text: string, i: number, end: number): number {
    if (i >= end) return this.#unexpected(text, i, end, "a value");
    const fault = new JsonScanner({ ...this.#limits, requireObject: false }).scan(text);
    if (fault === null) return this.#fail("item_not_object", i, { found: kindOf(text.charCodeAt(i)) });
    this.#code = fault.code;
    this.#at = fault.column - 1;
    this.#message = fault.message;
    this.#faultyKey = fault.key;
    return -1;
  }

  #control(text: string, i: number): number {
    if (text.charCodeAt(i) === 0) return this.#fail("nul_character", i);
    const code = text.charCodeAt(i).toString(16).padStart(4, "0");
    return this.#fail("bad_json", i, { reason: `a raw control character stands inside a string; write it as \\u${code}` });
  }

  #unexpected(text: string, i: number, end: number, expected: string): -1 {
    if (i < end && text.charCodeAt(i) === 0) return this.#fail("nul_character", i);
    return this.#fail("bad_json", i, { reason: explain(text, i, expected, this.#limits.requireObject) });
  }

  #fail(code: ScanCode, at: number, values: Record<string, string | number> = {}): -1 {
    this.#code = code;
    this.#at = at;
    this.#message = faultMessage(code, values);
    this.#faultyKey = values["key"] === undefined ? undefined : String(values["key"]);
    return -1;
  }
}

const anyValue = new JsonScanner(VALUE_LIMITS);

/** Null when `text` is one good JSON value within `limits` (any value, with an item's limits, by default). Bytes must be UTF-8. */
export function scanJson(text: string | Uint8Array, limits: Partial<ScanLimits> = VALUE_LIMITS): ScanFault | null {
  const scanner = limits === VALUE_LIMITS ? anyValue : new JsonScanner({ ...VALUE_LIMITS, ...limits });
  if (typeof text === "string") return scanner.scan(text);
  if (!isUtf8(text)) return { code: "bad_unicode", message: "the bytes are not UTF-8; save the text as UTF-8", column: 1 };
  return scanner.scan(Buffer.from(text.buffer, text.byteOffset, text.length).toString("utf8"));
}

function hex4(text: string, from: number, end: number): number {
  if (from + 4 > end) return -1;
  let unit = 0;
  for (let i = from; i < from + 4; i++) {
    const c = text.charCodeAt(i);
    const lower = c | 0x20;
    if (c >= 0x30 && c <= 0x39) unit = unit * 16 + (c - 0x30);
    else if (lower >= 0x61 && lower <= 0x66) unit = unit * 16 + (lower - 0x57);
    else return -1;
  }
  return unit;
}

/** Whether three characters follow the one at `i`; much faster here than startsWith. */
function isWord(text: string, i: number, end: number, second: number, third: number, fourth: number): boolean {
  return i + 3 < end && text.charCodeAt(i + 1) === second && text.charCodeAt(i + 2) === third && text.charCodeAt(i + 3) === fourth;
}

function kindOf(c: number): string {
  if (c === OPEN_ARRAY) return "an array";
  if (c === QUOTE) return "a string";
  if (c === 0x74 || c === 0x66) return "a boolean";
  return c === 0x6e ? "null" : "a number";
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
