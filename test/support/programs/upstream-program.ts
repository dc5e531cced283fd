/** `<data> <baseURL> <life> <point>`: makes a batch in its first life, ends it in the last, and is killed at `point` on the way. */
import { asking } from "../../../src/executors/openai-batch/asking.fixture.ts";
import { createTestYard } from "../../../src/testing/index.ts";
import { ITEMS } from "../campaigns/crash-campaign.ts";

const [data = "", baseURL = "", life = "0", point = ""] = process.argv.slice(2);

const yard = await createTestYard({
  data,
  operations: [asking],
  providers: { peer: { baseURL, apiKey: "k", batch: true } },
  startsAt: Date.UTC(2026, 0, 1) + Number(life) * 3_600_000,
  realMs: 2000,
  crashPoint: (name) => {
    if (name === point) process.kill(process.pid, "SIGKILL");
  },
});
if (life === "0") {
  const items = Array.from({ length: ITEMS }, (_, i) => ({ id: `i${i}`, text: `text ${i}` }));
  await yard.createBatch({ operation: "asking", items });
}
const [batch] = await yard.getBatchHistory();
const ended = await yard.runToEnd(batch!.id);
while ((await yard.parts.keeper.nextDueAt()) !== null) await yard.advance(2_000);
console.log(JSON.stringify({ succeeded: ended.succeeded_items }));
await yard.close();
