import { describe, expect, it } from "vitest";
import { folders } from "../support/folder.ts";
import { numbered, resultOf } from "../support/fates.ts";
import { recount } from "../support/recount.ts";
import { finished, ready, serve, starting } from "../support/served.ts";

const ITEMS = 1000;
const DEADLY = "k617";
const items = (): Record<string, unknown>[] =>
  numbered(0, ITEMS).map((item) => ({ ...item, ...(item.id === DEADLY ? { deadly: true } : {}) }));

const newFolder = folders();

/** Starts the server again whenever it dies, until the batch has ended; returns how often it died. */
async function supervise(
  data: string,
  id: string | null,
  create: (served: Awaited<ReturnType<typeof serve>>) => Promise<string>,
): Promise<{ id: string; deaths: number }> {
  for (let deaths = 0; ; deaths++) {
    const child = starting(data);
    const served = await ready(child).catch(async (error: unknown) => {
      // The item may run, and kill, before the server has said that it listens.
      if (id === null || (await child.ended).signal !== "SIGKILL") throw error;
      return null;
    });
    if (served === null) continue;
    id ??= await create(served);
    const stop = new AbortController();
    const over = (async (batch: string) => {
      for await (const { status } of served.client.watch(batch, { signal: stop.signal }))
        if (status === "completed" || status === "failed") return true;
      return false;
    })(id).catch(() => false);
    const died = served.child.ended.then(() => false);
    const ended = await Promise.race([over, died]);
    stop.abort();
    const { code, signal } = await (ended ? served.child.end("SIGTERM") : served.child.ended);
    if (ended ? code !== 0 : signal !== "SIGKILL") throw new Error(`The server ended with ${code ?? signal}:\n${served.child.output}`);
    if (ended) return { id, deaths };
  }
}

describe("one poison item among a thousand", () => {
  it("that kills its process costs itself only, after a bounded number of deaths", async () => {
    const data = newFolder();
    const { id, deaths } = await supervise(data, null, async ({ client }) => (await client.create({ operation: "deadly" }, items())).id);
    // The process did die, and not more often than the promise allows.
    expect(deaths).toBeGreaterThanOrEqual(4);
    expect(deaths).toBeLessThanOrEqual(Math.ceil(Math.log2(ITEMS)) + 5);
    const { stored, findings } = await recount(data);
    expect(findings).toEqual([]);
    const { batch, results } = stored.find((one) => one.batch.id === id)!;
    expect(batch).toMatchObject({ status: "completed", totalItems: ITEMS, succeeded: ITEMS - 1, failed: 1 });
    const failures = results.filter((result) => !result.success);
    expect(failures).toMatchObject([{ nodeId: DEADLY, errorCode: "worker_crashed", retries: 0 }]);
    const made = results.filter((result) => result.success).map((result) => [result.nodeId, result.result] as const);
    const expected = numbered(0, ITEMS)
      .filter((item) => item.id !== DEADLY)
      .map((item) => [item.id, resultOf(item)] as const);
    expect(new Map(made)).toEqual(new Map(expected));
    console.log(`poison: ${deaths} deaths`);
  });

  it("that ends its worker thread costs itself only, and the process lives", async () => {
    const data = newFolder();
    const served = await serve(data);
    const { id } = await served.client.create({ operation: "deadly_thread", options: { retryAttempts: 2, retryBackoffMs: 1 } }, items());
    await finished(served.client, id);
    expect(await served.child.end("SIGTERM")).toEqual({ code: 0, signal: null });
    const { stored, findings } = await recount(data);
    expect(findings).toEqual([]);
    expect(stored[0]!.batch).toMatchObject({ status: "completed", succeeded: ITEMS - 1, failed: 1, retried: 2 });
    expect(stored[0]!.results.filter((result) => !result.success)).toMatchObject([
      { nodeId: DEADLY, errorCode: "thread_died", retries: 2 },
    ]);
  });
});
