import { defineOperation, OperationError } from "batchyard";
import { createTestYard, VirtualClock, type TestYard } from "batchyard/testing";
import { afterEach, describe, expect, it } from "vitest";
import { Breakers } from "./breaker.ts";

const down = { tenant: "default", category: "transient", code: "ECONNREFUSED", error: "connect ECONNREFUSED" } as const;

describe("Breakers", () => {
  it("open after twenty outside failures in a row, let one probe through after a cool-down that doubles, and close on success", async () => {
    const clock = new VirtualClock();
    const breakers = new Breakers(clock);
    for (let i = 0; i < 19; i++) expect(breakers.failed("x", down)).toBe(false);
    breakers.succeeded("x");
    for (let i = 0; i < 19; i++) expect(breakers.failed("x", down)).toBe(false);
    expect(breakers.allows("x")).toBe(true);
    expect(breakers.failed("x", down)).toBe(true);
    expect(breakers.failed("x", down)).toBe(true);
    expect(breakers.allows("x")).toBe(false);
    expect(breakers.allows("y")).toBe(true);
    expect(breakers.nextProbeAt()).toBe(clock.now() + 1000);
    for (const coolDown of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      await clock.advance(coolDown - 1);
      expect(breakers.allows("x")).toBe(false);
      await clock.advance(1);
      expect(breakers.allows("x")).toBe(true);
      breakers.started("x", 7);
      expect(breakers.allows("x")).toBe(false);
      expect(breakers.list()).toMatchObject([{ name: "x", state: "half_open", lastError: "connect ECONNREFUSED" }]);
      expect(breakers.failed("x", down)).toBe(true);
      breakers.ended("x", 7);
    }
    await clock.advance(30_000);
    expect(breakers.allows("x")).toBe(true);
    breakers.started("x", 8);
    breakers.succeeded("x");
    breakers.ended("x", 8);
    expect(breakers.allows("x")).toBe(true);
    expect(breakers.list()).toMatchObject([{ state: "closed", consecutiveFailures: 0 }]);
  });

  it("a probe that settled nothing makes room for another", async () => {
    const clock = new VirtualClock();
    const breakers = new Breakers(clock);
    for (let i = 0; i < 20; i++) breakers.failed("x", down);
    await clock.advance(1000);
    expect(breakers.allows("x")).toBe(true);
    breakers.started("x", 1);
    breakers.ended("x", 1);
    expect(breakers.allows("x")).toBe(true);
  });

  it("a handler's own faults open nothing", () => {
    const breakers = new Breakers(new VirtualClock());
    for (let i = 0; i < 100; i++) {
      breakers.failed("x", { tenant: "default", category: "transient", code: "handler_error", error: "x is undefined" });
      breakers.failed("x", { tenant: "default", category: "transient", code: "timeout", error: "too long" });
      breakers.failed("x", { tenant: "default", category: "data", code: "bad_row", error: "no" });
    }
    expect(breakers.allows("x")).toBe(true);
  });
});

describe("an operation whose provider is down", () => {
  let yard: TestYard;
  afterEach(() => yard.close());

  it("is deferred, not failed: nothing but probes goes out until it is back, and why says so", async () => {
    const calls: number[] = [];
    let up = false;
    yard = await createTestYard({
      operations: [
        defineOperation({
          name: "ask",
          concurrency: 1,
          processItem() {
            calls.push(yard.clock.now());
            if (!up) throw new OperationError("connect ECONNREFUSED", { code: "ECONNREFUSED", category: "transient" });
            return { result: 1 };
          },
        }),
        defineOperation({ name: "other", processItem: () => ({ result: 1 }) }),
      ],
    });
    const { id } = await yard.createBatch({
      operation: "ask",
      items: Array.from({ length: 400 }, () => ({})),
      options: { batchSize: 40, retryAttempts: 20 },
    });
    await yard.advance(0);
    // Four chunks start; each stops with the failure that finds the breaker open.
    const first = calls.length;
    expect(first).toBeGreaterThanOrEqual(20);
    expect(first).toBeLessThanOrEqual(30);
    expect(yard.parts.engine.breakers.isOpen("ask")).toBe(true);
    expect((await yard.why(id)).reasons.map((reason) => reason.code)).toContain("breaker_open");
    // Others are not held up.
    const other = await yard.createBatch({ operation: "other", items: [{}] });
    expect((await yard.runToEnd(other.id)).status).toBe("completed");
    // Ten minutes of outage cost a probe at most every half minute, once it lasts.
    await yard.advance(600_000);
    expect(calls.length - first).toBeLessThanOrEqual(26);
    expect(await yard.getBatch(id)).toMatchObject({ status: "running", failed_items: 0 });
    up = true;
    expect(await yard.runToEnd(id)).toMatchObject({ status: "completed", succeeded_items: 400, failed_items: 0 });
    expect(yard.parts.engine.breakers.list()).toMatchObject([{ name: "ask", state: "closed" }]);
  });
});
