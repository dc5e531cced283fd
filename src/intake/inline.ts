import { BatchyardError, type Fault } from "../model/errors.ts";
import type { ItemText } from "../model/item.ts";
import { ItemFaults } from "./faults.ts";
import { keyFields, keyOfText } from "./item-key.ts";
import { MAX_ITEMS } from "./ndjson.ts";
import type { ReadOptions } from "./ndjson.ts";
import { faultMessage } from "./scan-hints.ts";
import { ITEM_LIMITS, JsonScanner } from "./scan.ts";
import { oneLine } from "./slice-items.ts";

const BLOCK_ITEMS = 1000;

/**
 * Items given within a request or by the library: a string is the JSON text of an item, any other value is an item to be written.
 * Everything is checked before the first block comes. An empty list gives no block. Throws bad_items (paths `items.<index>`),
 * duplicate_key (1-based positions) and too_many_items.
 */
export async function* readInline(items: readonly unknown[], options: ReadOptions = {}): AsyncGenerator<ItemText[]> {
  const list = checkInline(items, options);
  for (let from = 0; from < list.length; from += BLOCK_ITEMS) yield list.slice(from, from + BLOCK_ITEMS);
}

/** What readInline would refuse, as faults to be said with others: the same paths, `items` where the fault is of the list. */
export function inlineFaults(items: readonly unknown[], options: ReadOptions): readonly Fault[] {
  try {
    checkInline(items, options);
    return [];
  } catch (error) {
    if (!(error instanceof BatchyardError)) throw error;
    return error.errors ?? [{ path: "items", code: error.code, message: error.message }];
  }
}

function checkInline(items: readonly unknown[], options: ReadOptions): ItemText[] {
  const maxItems = options.maxItems ?? MAX_ITEMS;
  if (items.length > maxItems) throw new BatchyardError("too_many_items", { limit: maxItems });
  const fields = keyFields(options.keyField);
  const scanner = new JsonScanner(ITEM_LIMITS, fields);
  const faults = new ItemFaults();
  const positions = new Map<string, number>();
  let repeated: { key: string; first: number; second: number } | null = null;
  const list: ItemText[] = [];
  const first = options.firstPosition ?? 1;
  for (const [index, item] of items.entries()) {
    const path = `items.${index}`;
    const written = textOf(item);
    if ("fault" in written) {
      faults.add({ path, ...written.fault });
      continue;
    }
    const fault = scanner.scan(written.text);
    if (fault !== null) {
      faults.add({ path, code: fault.code, message: `column ${fault.column}: ${fault.message}` });
      continue;
    }
    const answer = keyOfText(written.text, scanner.found, fields, index + first, options.keyField);
    if ("fault" in answer) {
      faults.add({ path, code: "bad_id", message: answer.fault });
      continue;
    }
    const earlier = positions.get(answer.key);
    if (earlier === undefined) positions.set(answer.key, index + 1);
    else repeated ??= { key: answer.key, first: earlier, second: index + 1 };
    list.push({ key: answer.key, text: written.text });
  }
  faults.check();
  if (repeated !== null) throw new BatchyardError("duplicate_key", repeated);
  return list;
}

type Written = { text: string } | { fault: { code: string; message: string } };

function textOf(item: unknown): Written {
  return typeof item === "string" ? { text: oneLine(item) } : jsonOf(item);
}

/** A value as JSON text, or why that text would not say what the value is. */
export function jsonOf(item: unknown): Written {
  try {
    const text: unknown = JSON.stringify(item);
    if (typeof text !== "string") return unwritable(`a ${typeof item} is not JSON`);
    // JSON.stringify writes NaN and Infinity as null: where there is a null, look for them.
    const number = text.includes("null") ? nonFinite(item) : null;
    if (number !== null)
      return {
        fault: { code: "number_out_of_range", message: `the number ${number} is not JSON and would become null; send null or a string` },
      };
    return { text };
  } catch (error) {
    if (error instanceof RangeError)
      return { fault: { code: "too_deep", message: faultMessage("too_deep", { limit: ITEM_LIMITS.maxDepth }) } };
    return unwritable(error instanceof Error ? error.message : String(error));
  }
}

function unwritable(reason: string): Written {
  return { fault: { code: "not_serialisable", message: `the value cannot be written as JSON: ${reason.split("\n")[0]}` } };
}

function nonFinite(item: unknown): number | null {
  let found: number | null = null;
  JSON.stringify(item, (_key, value: unknown) => {
    if (typeof value === "number" && !Number.isFinite(value)) found ??= value;
    return value;
  });
  return found;
}
