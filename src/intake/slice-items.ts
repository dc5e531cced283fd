import { BatchyardError, invalid } from "../model/errors.ts";
import { MAX_ITEMS } from "./ndjson.ts";
import { CONTROL_LIMITS, JsonScanner } from "./scan.ts";
import type { ScanLimits } from "./scan.ts";

export interface SlicedBody {
  /** The exact texts of the elements of the top-level array `items`, each on one line; null when there is no such array. */
  items: string[] | null;
  /** The body with that array replaced by `[]`. */
  rest: string;
}

interface Span {
  from: number;
  to: number;
}

/**
 * Cuts the inline items out of a control body, so that their text is never parsed and written again (9007199254740993 stays).
 *
 * Nothing is validated here, yet nothing bad gets through: the body is JSON exactly when `rest` and every element are,
 * and those are scanned on their own. A text this cannot follow comes back whole as `rest`. Throws too_many_items.
 */
export function sliceItems(bodyText: string, maxItems: number = MAX_ITEMS): SlicedBody {
  const elements = findItems(bodyText, maxItems);
  if (elements === null) return { items: null, rest: bodyText };
  const first = elements[0]!;
  const last = elements.at(-1)!;
  const texts = elements.map((span) => oneLine(bodyText.slice(span.from, span.to)));
  const isEmpty = texts.length === 1 && texts[0] === "";
  return { items: isEmpty ? [] : texts, rest: bodyText.slice(0, first.from) + bodyText.slice(last.to) };
}

/**
 * A control body with its inline items cut out, checked but for the items themselves (see readInline).
 * Throws empty_body, bad_json (with line and column), forbidden_key, too_many_items, and validation_failed for what JSON allows and we refuse.
 */
export function readBody(bodyText: string, limits: ScanLimits = CONTROL_LIMITS, maxItems: number = MAX_ITEMS): SlicedBody {
  if (bodyText.trim() === "") throw new BatchyardError("empty_body");
  const sliced = sliceItems(bodyText, maxItems);
  const fault = new JsonScanner(limits).scan(sliced.rest);
  if (fault === null) return sliced;
  const cutAt = findItems(bodyText, maxItems)?.[0]?.from ?? bodyText.length;
  const removed = bodyText.length - sliced.rest.length;
  const offset = fault.column - 1 >= cutAt ? fault.column - 1 + removed : fault.column - 1;
  const position = positionOf(bodyText, offset);
  if (fault.code === "bad_json") throw new BatchyardError("bad_json", { reason: `${position}: ${fault.message}` });
  if (fault.code === "forbidden_key") throw new BatchyardError("forbidden_key", { name: fault.key ?? "" });
  throw invalid([{ path: "", code: fault.code, message: `${position}: ${fault.message}` }]);
}

function positionOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

/** Spans of the elements of the top-level `items` array; one empty span for an empty array. */
function findItems(text: string, maxItems: number): Span[] | null {
  let i = afterSpace(text, 0);
  if (text[i] !== "{") return null;
  i = afterSpace(text, i + 1);
  while (text[i] === '"') {
    const keyEnd = afterString(text, i);
    const isItems = isItemsKey(text.slice(i, keyEnd));
    i = afterSpace(text, keyEnd);
    if (text[i] !== ":") return null;
    i = afterSpace(text, i + 1);
    if (isItems && text[i] === "[") return elementsOf(text, i + 1, maxItems);
    i = nextComma(text, i);
    if (text[i] !== ",") return null;
    i = afterSpace(text, i + 1);
  }
  return null;
}

function isItemsKey(quoted: string): boolean {
  if (quoted === '"items"') return true;
  if (!quoted.includes("\\") || quoted.length > 40) return false;
  try {
    return JSON.parse(quoted) === "items";
  } catch {
    return false;
  }
}

/** The elements of an array that starts before `i`; null when its end is missing. */
function elementsOf(text: string, i: number, maxItems: number): Span[] | null {
  const spans: Span[] = [];
  for (let from = i; ;) {
    const to = nextComma(text, from);
    if (to >= text.length || text[to] === "}") return null;
    // Before pushing: a body of commas alone must not fill the memory.
    if (spans.length === maxItems) throw new BatchyardError("too_many_items", { limit: maxItems });
    spans.push({ from, to });
    if (text[to] === "]") return spans;
    from = to + 1;
  }
}

/** The first comma or unmatched closing bracket from `i` on, outside of strings and brackets. */
function nextComma(text: string, i: number): number {
  let depth = 0;
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      i = afterString(text, i);
      continue;
    }
    if (c === 0x7b || c === 0x5b) depth++;
    else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) return i;
      depth--;
    } else if (c === 0x2c && depth === 0) return i;
    i++;
  }
  return i;
}

/** The place after a string that opens at `i`. */
function afterString(text: string, i: number): number {
  for (;;) {
    i = text.indexOf('"', i + 1);
    if (i === -1) return text.length;
    let slashes = 0;
    while (text.charCodeAt(i - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return i + 1;
  }
}

function afterSpace(text: string, i: number): number {
  while (" \t\r\n".includes(text[i] ?? "x")) i++;
  return i;
}

/** Without JSON's white space at both ends; not by a pattern, which would take quadratic time on a long run of spaces inside. */
function trimmedJson(text: string): string {
  const from = afterSpace(text, 0);
  let to = text.length;
  while (to > from && " \t\r\n".includes(text.charAt(to - 1))) to--;
  return text.slice(from, to);
}

/** The text without white space around it and without line breaks between tokens; a line break inside a string stays, for the scan to refuse. */
export function oneLine(text: string): string {
  const trimmed = trimmedJson(text);
  if (!/[\r\n]/.test(trimmed)) return trimmed;
  let line = "";
  let from = 0;
  for (let i = 0; i < trimmed.length;) {
    const c = trimmed.charCodeAt(i);
    if (c === 0x22) i = afterString(trimmed, i);
    else if (c === 0x0a || c === 0x0d) {
      // A space takes its place, so that no two tokens grow together ("1\n2" must stay an error), and indentation goes with it.
      line += trimmed.slice(from, i) + " ";
      from = i = afterSpace(trimmed, i);
    } else i++;
  }
  return line + trimmed.slice(from);
}
