import { z } from "zod";
import { BatchyardError } from "../../model/errors.ts";
import type { Fault } from "../../model/errors.ts";
import type { Item } from "../../model/item.ts";
import { defineOperation } from "../define.ts";
import { compileSchema } from "../language/json-schema.ts";
import type { CompiledSchema } from "../language/json-schema.ts";
import { RegexNotSupported } from "../language/linear-regexp.ts";
import type { ItemOutcome } from "../operation.ts";
import { planRows } from "../rows.ts";

const options = z.strictObject({
  schema: z
    .record(z.string(), z.unknown())
    .describe(
      "JSON Schema 2020-12; references only within it ('#…'); patterns run in linear time, so without back-references and look-around",
    ),
  coerce: z
    .boolean()
    .default(false)
    .describe("Take texts for the numbers, booleans and nulls the schema asks for. For items from CSV, whose cells are all texts"),
});

type ValidateOptions = z.output<typeof options>;

const VALID_RESULT = Object.freeze({ valid: true, errors: [] });

/** Paths named in the sentence; the result has all of them (up to 100). */
const SHOWN = 3;

/**
 * Checks each item against a JSON Schema. A valid item's result is `{valid: true, errors: []}`; an invalid one fails with code
 * `schema_invalid`, category data (never retried), the first faults in the sentence and `{valid: false, errors}` as its result.
 * qualityScore in both cases: 1 − broken rules ÷ rules of the schema, see compileSchema.
 */
export const validate = defineOperation({
  name: "validate",
  free: true,
  description: "Checks each item against a JSON Schema 2020-12.",
  options,
  plan: planRows,
  check: checkOptions,
  warnings: ({ schema, coerce }) =>
    compileSchema(schema, coerce).unknownFormats.map((format) => `The format '${format}' is not known and checks nothing`),
  // Per chunk, because an item takes less time than a promise.
  processBatch(items, ctx) {
    const compiled = compileSchema(ctx.options.schema, ctx.options.coerce);
    return items.map((item) => outcomeOf(item, compiled));
  },
});

function checkOptions({ schema, coerce }: ValidateOptions): Fault[] {
  try {
    compileSchema(schema, coerce);
    return [];
  } catch (error) {
    if (!(error instanceof BatchyardError)) throw error;
    return [{ path: "schema", message: error.message, code: error.cause instanceof RegexNotSupported ? error.cause.code : error.code }];
  }
}

function outcomeOf(item: Item, compiled: CompiledSchema): ItemOutcome {
  let verdict;
  try {
    verdict = compiled.check(item.payload);
  } catch (error) {
    // A schema that refers to itself on the spot overflows the stack; ajv cannot know before it runs.
    const reason =
      error instanceof RangeError ? "the schema refers to itself without end" : error instanceof Error ? error.message : String(error);
    return { key: item.key, error: `The schema could not be applied: ${reason}`, code: "schema_failed", category: "configuration" };
  }
  if (verdict.valid) return { key: item.key, result: VALID_RESULT, qualityScore: 1 };
  const { errors, qualityScore } = verdict;
  const shown = errors.slice(0, SHOWN).map((fault) => (fault.path === "" ? fault.message : `${fault.path} ${fault.message}`));
  const more = errors.length - shown.length;
  return {
    key: item.key,
    error: shown.join("; ") + (more > 0 ? `; and ${more} more` : ""),
    code: "schema_invalid",
    category: "data",
    result: { valid: false, errors },
    qualityScore,
  };
}
