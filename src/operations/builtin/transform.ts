import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import { BatchyardError } from "../../model/errors.ts";
import { classify, OperationError } from "../../model/failure.ts";
import type { Item } from "../../model/item.ts";
import { collectionName } from "../../model/fields.ts";
import { defineOperation } from "../define.ts";
import { compileExpression } from "../language/expression.ts";
import { RegexNotSupported } from "../language/linear-regexp.ts";
import type { HandlerContext, ItemOutcome } from "../operation.ts";
import { planRows } from "../rows.ts";

const options = z.strictObject({
  expression: z
    .string()
    .min(1)
    .describe("JSONata 2; `$` is the item. Regular expressions run in linear time, so without back-references and look-around"),
  collection: collectionName
    .optional()
    .describe(
      "Also writes the value, which must be an object, to this collection under the item's key; a record that is there is replaced",
    ),
});

type TransformOptions = z.output<typeof options>;

/** Other work gets its turn at least this often. */
const TURN_MS = 20;

/**
 * The value of a JSONata expression for each item. Items fail with category data and code `expression_failed`,
 * `expression_timeout` (1 s an item), `no_value` or, with `collection`, `not_an_object`.
 */
export const transform = defineOperation({
  name: "transform",
  free: true,
  description: "Turns each item into the value of a JSONata expression, and writes it to a collection if asked to.",
  options,
  plan: planRows,
  check(given: TransformOptions) {
    try {
      compileExpression(given.expression);
      return [];
    } catch (error) {
      if (!(error instanceof BatchyardError)) throw error;
      return [
        { path: "expression", message: error.message, code: error.cause instanceof RegexNotSupported ? error.cause.code : error.code },
      ];
    }
  },
  // Per chunk, so that what is written back is one durable write.
  async processBatch(items, ctx) {
    const outcomes: ItemOutcome[] = [];
    let turnEnds = performance.now() + TURN_MS;
    for (const item of items) {
      if (performance.now() >= turnEnds) {
        await nextTurn();
        ctx.signal.throwIfAborted();
        turnEnds = performance.now() + TURN_MS;
      }
      outcomes.push(await outcomeOf(item, ctx.options));
    }
    await writeBack(outcomes, ctx);
    return outcomes;
  },
});

async function outcomeOf(item: Item, { expression, collection }: TransformOptions): Promise<ItemOutcome> {
  try {
    const result = await compileExpression(expression).evaluate(item.payload);
    if (collection !== undefined && !isObject(result)) {
      throw new OperationError(`The value is ${describe(result)}; a record of a collection is an object`, {
        code: "not_an_object",
        category: "data",
      });
    }
    return { key: item.key, result };
  } catch (error) {
    const { error: message, code, category } = classify(error);
    return { key: item.key, error: message, code, category };
  }
}

async function writeBack(outcomes: readonly ItemOutcome[], ctx: HandlerContext<TransformOptions>): Promise<void> {
  const { collection } = ctx.options;
  if (collection === undefined) return;
  const rows = outcomes.flatMap((outcome) =>
    "error" in outcome ? [] : [{ key: outcome.key, data: outcome.result as Record<string, unknown>, writer: ctx.batchId }],
  );
  if (rows.length > 0) await ctx.services.records.put(collection, rows, "replace");
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
