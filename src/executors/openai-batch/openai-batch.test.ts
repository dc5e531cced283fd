import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { createTestYard, type TestYard } from "../../testing/index.ts";
import { startPeer, type Peer } from "../../../test/support/openai-peer/peer.ts";
import { asking } from "./asking.fixture.ts";

let peer: Peer;
let yard: TestYard;
beforeEach(async () => {
  peer = await startPeer({ clock: new VirtualClock(), steps: "poll" });
  yard = await createTestYard({
    operations: [asking],
    providers: { peer: { baseURL: peer.baseURL, apiKey: "k", batch: true } },
    realMs: 1000,
  });
});
afterEach(async () => {
  await yard.close();
  await peer.close();
});

const items = (count: number): { id: string; text: string }[] =>
  Array.from({ length: count }, (_, i) => ({ id: `i${i}`, text: `text ${i}` }));

describe("executor openai-batch", () => {
  it("sends a chunk as one upstream batch and settles each item by its own line", async () => {
    const { id } = await yard.createBatch({ operation: "asking", items: items(25) });
    const batch = await yard.runToEnd(id);
    expect(batch).toMatchObject({ status: "completed", succeeded_items: 25 });
    const results = await Array.fromAsync(yard.results(id));
    expect(results.find(({ nodeId }) => nodeId === "i7")!.result).toMatch(/^text 7 /);
    const { batches, attempts } = await peer.record();
    expect(batches).toHaveLength(1);
    expect(Object.values(attempts)).toEqual([{ created: 1, live: 0, mostLive: 1 }]);
  });
});
