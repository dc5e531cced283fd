import { createElement } from "react";
import { create, type ReactTestRenderer } from "react-test-renderer";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { serve, TOKEN, type Served } from "../api/server.fixture.ts";
import { createClient, type Client } from "../client/index.ts";
import { BatchyardProvider, useBatch, useBatchStatistics, useRealtimeBatchMonitoring } from "./index.ts";

/** The hooks in React itself, over the real client and a real server. */
let served: Served;
let client: Client;
beforeAll(async () => {
  served = await serve();
  client = createClient({ url: await served.listen(), token: TOKEN });
});
afterAll(async () => {
  client.close();
  await served.close();
});

const roots: ReactTestRenderer[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) root.unmount();
});

/** Renders a component that calls the hook; `until` resolves with the first value that satisfies. */
function render<T>(hook: () => T): { until(condition: (value: T) => boolean): Promise<T>; seen: T[] } {
  const seen: T[] = [];
  const waiters = new Set<() => void>();
  function Probe(): null {
    seen.push(hook());
    for (const waiter of waiters) waiter();
    return null;
  }
  roots.push(create(createElement(BatchyardProvider, { client }, createElement(Probe))));
  return {
    seen,
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = seen.find(condition);
          if (found === undefined) return;
          waiters.delete(look);
          resolve(found);
        };
        waiters.add(look);
        look();
      }),
  };
}

const report = (id: string, nodeId: string, success = true) =>
  served.send({ method: "POST", url: `/api/batch/${id}/results`, payload: { nodeId, success, ...(success ? {} : { error: "no" }) } });

describe("useBatch", () => {
  it("follows a batch to its end and never goes back", async () => {
    const id = await served.create({ operation: "echo", total_items: 2 });
    const { until, seen } = render(() => useBatch(id));
    expect(await until((state) => state.batch !== null && state.isLive)).toMatchObject({
      isLoading: false,
      error: null,
      batch: { id, progress: 0 },
    });
    await report(id, "1");
    await until(({ batch }) => batch?.progress === 50);
    await report(id, "2", false);
    expect(await until(({ batch }) => batch?.status === "completed")).toMatchObject({ batch: { progress: 100 } });
    await until(({ batch }) => batch?.succeeded_items === 1 && batch.failed_items === 1 && batch.completed_at !== null);
    expect(seen.map(({ batch }) => batch?.progress ?? -1)).toEqual(
      seen.map(({ batch }) => batch?.progress ?? -1).toSorted((a, b) => a - b),
    );
  });

  it("says why there is none", async () => {
    const { until } = render(() => useBatch("batch_0_none00000"));
    expect(await until(({ error }) => error !== null)).toMatchObject({
      batch: null,
      isLoading: false,
      error: { code: "batch_not_found", status: 404 },
    });
  });

  it("needs a client, and says how to give one", async () => {
    const thrown = await new Promise((resolve) => {
      function Probe(): null {
        try {
          useBatch("x");
        } catch (error) {
          resolve(error);
        }
        return null;
      }
      roots.push(create(createElement(Probe)));
    });
    expect(String(thrown)).toContain("<BatchyardProvider client={createClient({ url })}>");
  });
});

describe("useRealtimeBatchMonitoring", () => {
  it("starts with the newest batches and shows new ones as they live", async () => {
    const old = await served.create({ operation: "echo", total_items: 1, name: "old one" });
    const { until } = render(() => useRealtimeBatchMonitoring({ limit: 5 }));
    await until(({ isLive, batches }) => isLive && batches.some(({ id }) => id === old));
    const id = await served.create({ operation: "echo", total_items: 1, name: "new one" });
    await report(id, "1", false);
    const state = await until(({ batches }) =>
      batches.some((batch) => batch.id === id && batch.status === "failed" && batch.name === "new one"),
    );
    expect(state.batches[0]).toMatchObject({ id, progress: 100, failed: 1, operation: "echo" });
    expect(state.batches.length).toBeLessThanOrEqual(5);
    expect(state.events).toBeGreaterThan(0);
  });
});

describe("useBatchStatistics", () => {
  it("counts by status, and again when a batch ends", async () => {
    const { until } = render(() => useBatchStatistics());
    const before = (await until(({ stats, isLive }) => stats !== null && isLive)).stats!;
    const id = await served.create({ operation: "echo", total_items: 1 });
    await report(id, "1");
    const { stats } = await until((state) => state.stats?.byStatus["completed"] === (before.byStatus["completed"] ?? 0) + 1);
    expect(stats!.total).toBe(before.total + 1);
  });
});
