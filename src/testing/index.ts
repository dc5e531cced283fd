import { TestYard, type TestYardOptions } from "./test-yard.ts";

/**
 * A yard for tests of your own handlers: the real store, the real engine, a temporary directory, and a clock that stands
 * still until the test moves it. Retries, back-off, time limits and deadlines of hours pass in milliseconds.
 *
 * ```ts
 * import { createTestYard } from "batchyard/testing";
 *
 * const yard = await createTestYard({ operations: [fetchPrice] });
 * const { id } = await yard.createBatch({ operation: "fetch-price", items: [{ id: "a" }], options: { retryAttempts: 2 } });
 * const batch = await yard.runToEnd(id);
 * assert.equal(batch.status, "completed");
 * await yard.close();
 * ```
 *
 * A handler under test waits with `yard.clock.wait(ms, ctx.signal)`. What waits for something real (a local server, a file)
 * is given `realMs` of real time.
 */
export function createTestYard(options: TestYardOptions = {}): Promise<TestYard> {
  return TestYard.open(options);
}

export { VirtualClock } from "./virtual-clock.ts";
export { seededRandom } from "./random.ts";
export type { TestYard, TestYardOptions } from "./test-yard.ts";
