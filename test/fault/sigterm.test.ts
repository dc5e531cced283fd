import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { numbered } from "../support/fates.ts";
import { folders } from "../support/folder.ts";
import { callsIn, faultsOf, recount } from "../support/recount.ts";
import { finished, serve, type Served } from "../support/served.ts";

const ITEMS = 100;
const newFolder = folders();

function places(): { data: string; calls: string } {
  const folder = newFolder();
  const calls = join(folder, "calls");
  mkdirSync(calls);
  return { data: join(folder, "data"), calls };
}

/** A server whose handler holds one item of a hundred, caught in the act. */
async function holding(data: string, calls: string, env: Record<string, string>): Promise<{ served: Served; id: string }> {
  const served = await serve(data, { env: { CALLS: calls, HOLD: "1", ...env } });
  const items = numbered(0, ITEMS).map((item) => ({ ...item, hold: item.n === 5 }));
  const { id } = await served.client.create({ operation: "holding", options: { batchSize: 10 } }, items);
  await served.child.line(/^holding k5 attempt 0$/);
  return { served, id };
}

/** Starts again without holding and lets the batch end. */
async function resumed(data: string, calls: string, id: string): Promise<void> {
  const served = await serve(data, { env: { CALLS: calls } });
  await finished(served.client, id);
  expect(await served.child.end("SIGTERM")).toEqual({ code: 0, signal: null });
}

describe("SIGTERM", () => {
  it.each([
    ["a handler that obeys its signal", "1"],
    ["a handler that never ends", "0"],
  ])("hands back the chunk of %s, ends with 0, and costs no attempt", async (_, obey) => {
    const { data, calls } = places();
    const { served, id } = await holding(data, calls, { OBEY: obey, BATCHYARD_SHUTDOWN_SECONDS: "1" });
    expect(await served.child.end("SIGTERM")).toEqual({ code: 0, signal: null });
    const between = await recount(data);
    expect(between.findings).toEqual([]);
    // Handed back, not taken back: nobody was counted as dead.
    expect(between.stored[0]!.batch).toMatchObject({ status: "running", leasedChunks: 0, running: 0, retried: 0 });
    expect(between.stored[0]!.results.map((result) => result.nodeId)).not.toContain("k5");

    await resumed(data, calls, id);
    const { stored, findings, crashes } = await recount(data);
    expect(findings).toEqual([]);
    expect(crashes).toBe(0);
    expect(faultsOf(stored[0]!, 0, ITEMS, false)).toEqual([]);
    expect(stored[0]!.batch.retried).toBe(0);
    const ofHeld = callsIn(calls).filter((call) => call.key === "k5");
    expect(ofHeld.map((call) => call.attempt)).toEqual([0, 0]);
  });

  it("twice ends the process at once; the chunk is taken back at the next start", async () => {
    const { data, calls } = places();
    const { served, id } = await holding(data, calls, { OBEY: "0", BATCHYARD_SHUTDOWN_SECONDS: "300" });
    served.child.kill("SIGTERM");
    await served.child.line(/^stopping/);
    expect(await served.child.end("SIGTERM")).toEqual({ code: 143, signal: null });
    await resumed(data, calls, id);
    const { stored, findings } = await recount(data);
    expect(findings).toEqual([]);
    expect(faultsOf(stored[0]!, 0, ITEMS, false)).toEqual([]);
  });
});
