import { z } from "zod";
import { invalid } from "../../model/errors.ts";
import { collectionName, whole } from "../../model/fields.ts";
import { defineOperation } from "../define.ts";

const options = z.strictObject({
  daysToKeep: whole(1, 365).default(30),
  collection: collectionName
    .optional()
    .describe("Removes records not updated for so long; without it, finished batches with their results"),
});

const DAY_MS = 24 * 60 * 60 * 1000;
/** Records in one durable step, so that other writers get in between. */
const STEP = 1000;

/** Removes what is older than `daysToKeep` days. Result `{deleted}`. */
export const cleanup = defineOperation({
  name: "cleanup",
  free: true,
  description: "Removes finished batches, or the records of a collection, that are older than a number of days.",
  options,
  async plan(request) {
    if (request.items !== null || request.input !== null)
      throw invalid([
        {
          path: request.items !== null ? "items" : "input",
          message: "cleanup takes no items; name a collection in options.collection",
          code: "unexpected_input",
        },
      ]);
    return (async function* () {
      yield [{ key: "cleanup", text: JSON.stringify(request.options) }];
    })();
  },
  async processItem(_payload: unknown, { options: { daysToKeep, collection }, services, signal }) {
    const before = services.now() - daysToKeep * DAY_MS;
    if (collection === undefined) return { result: { deleted: await services.removeBatches(before) } };
    let deleted = 0;
    for (;;) {
      signal.throwIfAborted();
      const removed = await services.records.deleteOlder(collection, before, STEP);
      deleted += removed;
      if (removed < STEP) return { result: { deleted } };
    }
  },
});
