import { z } from "zod";
import { READ_FORMATS } from "../../formats/format.ts";
import { itemKey } from "../../intake/item-key.ts";
import { BatchyardError } from "../../model/errors.ts";
import type { Item } from "../../model/item.ts";
import { collectionName } from "../../model/fields.ts";
import { defineOperation } from "../define.ts";
import type { HandlerContext, ItemOutcome } from "../operation.ts";
import { planRows } from "../rows.ts";

const options = z.strictObject({
  collection: collectionName.describe("Where the records go"),
  format: z.enum(READ_FORMATS).optional().describe("Format of the input file; told by its name, type or first bytes when absent"),
  keyField: z.string().min(1).max(1024).optional().describe("Field of an item that is the record's key; the item's own key when absent"),
  mode: z
    .enum(["upsert", "insert", "replace"])
    .default("upsert")
    .describe("A key that exists: upsert merges top-level fields into it, replace overwrites it, insert fails the item"),
});

type ImportOptions = z.output<typeof options>;

/**
 * Writes items as records of a collection; one durable write a chunk. Result `{key, action: "inserted" | "updated"}`. Items fail
 * with category data and code `key_exists`, `key_missing`, `bad_key`, `not_an_object` or the fault of the row they come from.
 *
 * Each record remembers the item that wrote it, so that a chunk that runs twice inserts once and says so.
 */
export const importRecords = defineOperation({
  name: "import",
  free: true,
  description: "Writes items, rows of a file or records of a collection into a collection.",
  options,
  plan: (request, services) => planRows(request, services, request.options),
  async processBatch(items: Item[], ctx: HandlerContext<ImportOptions>): Promise<ItemOutcome[]> {
    const outcomes: ItemOutcome[] = [];
    const rows: { key: string; data: Record<string, unknown>; writer: string }[] = [];
    const written: string[] = [];
    for (const item of items) {
      const outcome = refusal(item, ctx.options);
      if (outcome !== null) {
        outcomes.push(outcome);
        continue;
      }
      // Retried chunks hold other items than the first, so the writer is the item and not the chunk.
      rows.push({ key: recordKey(item, ctx.options), data: item.payload as Record<string, unknown>, writer: `${ctx.batchId}/${item.key}` });
      written.push(item.key);
    }
    ctx.signal.throwIfAborted();
    const { collection, mode } = ctx.options;
    const actions = rows.length === 0 ? [] : await ctx.services.records.put(collection, rows, mode);
    for (const [index, action] of actions.entries()) {
      const itemKey = written[index]!;
      const { key } = rows[index]!;
      if (action === "exists")
        outcomes.push(dataFault(itemKey, "key_exists", `Key '${key}' exists in '${collection}'; use mode upsert or replace to change it`));
      else outcomes.push({ key: itemKey, result: { key, action } });
    }
    return outcomes;
  },
});

/** Why an item cannot be a record, or null. */
function refusal(item: Item, { keyField }: ImportOptions): ItemOutcome | null {
  const { key, payload } = item;
  if (typeof payload !== "object" || payload === null || Array.isArray(payload))
    return dataFault(key, "not_an_object", "The item is not a JSON object; a record is one");
  if (keyField === undefined) return null;
  try {
    itemKey(payload, 1, keyField);
    return null;
  } catch (error) {
    if (!(error instanceof BatchyardError)) throw error;
    const value = (payload as Record<string, unknown>)[keyField];
    if (value === undefined || value === null || value === "")
      return dataFault(key, "key_missing", `There is no field '${keyField}' to take the key from`);
    return dataFault(key, "bad_key", error.errors?.[0]?.message ?? error.message);
  }
}

function recordKey(item: Item, { keyField }: ImportOptions): string {
  return keyField === undefined ? item.key : itemKey(item.payload, 1, keyField);
}

function dataFault(key: string, code: string, error: string): ItemOutcome {
  return { key, error, code, category: "data" };
}
