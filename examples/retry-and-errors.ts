/** What happens to items that fail: retries with back-off, errors by category, errors in groups, and running a group again. */
import { createBatchyard, defineOperation, OperationError } from "batchyard";

/** A geocoder as they are: busy at times, and down for one of the towns until somebody mends it. */
const provider = { busyFor: 2, closed: true };

const locate = defineOperation({
  name: "locate",
  async processItem(item: { town: string }, ctx) {
    if (item.town === "") throw new OperationError("The town has no name", { code: "no_name", category: "data" });
    if (item.town === "Atlantis" && provider.closed)
      throw new OperationError("The provider does not serve Atlantis", { code: "not_served", category: "permanent" });
    if (ctx.attempt < provider.busyFor)
      throw Object.assign(new Error("Too many requests"), { status: 429, headers: { "retry-after-ms": "20" } });
    return { result: { town: item.town, letters: item.town.length } };
  },
});

const yard = await createBatchyard({ data: "./data/retry-and-errors", operations: [locate] });
const { id } = await yard.createBatch({
  operation: "locate",
  items: [
    { id: "a", town: "Lagos" },
    { id: "b", town: "" },
    { id: "c", town: "Atlantis" },
  ],
  options: { retryAttempts: 3, retryBackoffMs: 10 },
});
const batch = await yard.waitForBatch(id);
console.log(`${batch.status}: ${batch.succeeded_items} done, ${batch.failed_items} failed, ${batch.retried_items} tries repeated`);
for await (const { nodeId, errorCode, error, retries } of yard.results(id, { success: false }))
  console.log(`${nodeId} ${errorCode} after ${retries} retries: ${error}`);

// The provider is mended: only what failed for that reason runs again, in a new epoch of the same batch.
provider.closed = false;
await yard.retryBatch(id, { nodeIds: ["c"] });
const again = await yard.waitForBatch(id);
console.log(`epoch ${again.epoch}: ${again.succeeded_items} done, ${again.failed_items} failed`);
await yard.close();
