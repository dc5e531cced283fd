import { createBatchyard, defineOperation } from "batchyard";
import { z } from "zod";

const shout = defineOperation({
  name: "shout",
  options: z.object({ mark: z.string().default("!") }),
  async processItem(item: { text: string }, ctx) {
    return { result: { text: item.text.toUpperCase() + ctx.options.mark }, qualityScore: 0.95 };
  },
});

const yard = await createBatchyard({ data: "./data/first-batch", operations: [shout] });
const batch = await yard.createBatch({
  operation: "shout",
  items: [
    { id: "a", text: "one wagon" },
    { id: "b", text: "another wagon" },
  ],
});
for await (const update of yard.watch(batch.id)) console.log(`${update.progress} %`);

const { status, succeeded_items: succeeded, total_items: total } = await yard.getBatch(batch.id);
console.log(`${status}: ${succeeded} of ${total}`);
await yard.close();
