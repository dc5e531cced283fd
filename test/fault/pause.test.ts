import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createClient } from "../../src/client/index.ts";
import { loadConfig } from "../../src/config.ts";
import { startServer, type RunningServer } from "../../src/server.ts";
import { numbered, resultOf, type Numbered } from "../support/fates.ts";
import { folders } from "../support/folder.ts";
import { lapse } from "../support/lapse.ts";
import config from "../support/programs/misbehaving.config.ts";
import { seeded } from "../support/random.ts";
import { callsIn, faultsOf, recount } from "../support/recount.ts";
import { finished, program, serve, TOKEN } from "../support/served.ts";

const LEASE_MS = 1000;
const HOUR_MS = 3_600_000;
const newFolder = folders();
let server: RunningServer | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

describe("SIGSTOP for longer than the lease", () => {
  it("of an outside worker: another one takes its chunk, its late results are refused and counted", async () => {
    const data = newFolder();
    server = await startServer({
      config: loadConfig({ BATCHYARD_DATA: data, BATCHYARD_PORT: "0", BATCHYARD_TOKEN: TOKEN, LOG_LEVEL: "error" }),
      operations: config.operations,
    });
    const { yard, url } = server;
    const client = createClient({ url, token: TOKEN });
    const { id } = await client.create(
      { operation: "outside", options: { executor: "external", batchSize: 20 } },
      numbered(0, 20).map((item) => ({ ...item })),
    );
    const stalled = new Promise<number>((resolve) => {
      yard.events.subscribe((events) => {
        const found = events.find((event) => event.type === "chunk.stalled" && event.entity.id === id);
        if (found !== undefined) resolve(found.ts);
      });
    });

    const slow = program("outside-worker.ts", [url, String(LEASE_MS)]);
    const [, chunk, fence] = await slow.line(/^leased (\d+) fence (\d+) items 20$/);
    const [, until] = await slow.line(/^until (\S+)$/);
    expect(slow.kill("SIGSTOP")).toBe(true);
    // Not a moment before the end of the lease, by the clock of the server that gave it.
    expect(await stalled).toBeGreaterThan(Date.parse(until!));
    const post = async (path: string, body: unknown): Promise<{ status: number; json: unknown }> => {
      const answer = await fetch(url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return { status: answer.status, json: await answer.json() };
    };
    const leased = (await post("/api/external/lease", { worker: "quick", max: 10, leaseMs: HOUR_MS })).json as {
      chunks: { chunk: number; fence: number; items: { key: string; payload: Numbered }[] }[];
    };
    expect(leased.chunks).toHaveLength(1);
    expect(leased.chunks[0]).toMatchObject({ chunk: Number(chunk), fence: Number(fence) + 1 });
    const [half, rest] = [leased.chunks[0]!.items.slice(0, 10), leased.chunks[0]!.items.slice(10)];
    const answers = (items: typeof half): unknown => items.map(({ key, payload }) => ({ key, result: resultOf(payload) }));
    expect(
      (await post("/api/external/results", { chunk: Number(chunk), fence: Number(fence) + 1, results: answers(half), done: false })).status,
    ).toBe(200);

    slow.kill("SIGCONT");
    expect((await slow.line(/^settled .*/))[0]).toBe("settled 409 lease_lost");
    expect((await post("/api/external/results", { chunk: Number(chunk), fence: Number(fence) + 1, results: answers(rest) })).status).toBe(
      200,
    );
    expect((await yard.store.batches.get("default", id))!.late).toBe(20);
    await server.stop();
    server = null;

    const { stored, findings } = await recount(data);
    expect(findings).toEqual([]);
    expect(faultsOf(stored[0]!, 0, 20, false)).toEqual([]);
  });

  it("of the whole server: it keeps its chunks and repeats nothing", async () => {
    const folder = newFolder();
    const [data, calls] = [join(folder, "data"), join(folder, "calls")];
    mkdirSync(calls);
    const served = await serve(data, { env: { CALLS: calls, BATCHYARD_LEASE_MS: String(LEASE_MS) } });
    const gate = { file: join(folder, "gate"), from: 2500 };
    const { id } = await served.client.create(
      { operation: "steady", options: { workMs: 20, batchSize: 500, retryBackoffMs: 10, timeout: HOUR_MS, gate } },
      numbered(0, 5000).map((item) => ({ ...item })),
    );
    const random = seeded(11);
    for (const done of [200, 1000]) {
      for await (const { processed } of served.client.watch(id)) if (processed >= done) break;
      served.child.kill("SIGSTOP");
      // The fault itself: 1.5 to 4 leases.
      await lapse(LEASE_MS * (1.5 + 2.5 * random()));
      served.child.kill("SIGCONT");
    }
    // It was interrupted, not idle.
    expect((await served.client.get(id)).status).toBe("running");
    writeFileSync(gate.file, "");
    await finished(served.client, id);
    expect(await served.child.end("SIGTERM")).toEqual({ code: 0, signal: null });
    const { stored, findings, crashes } = await recount(data);
    expect(findings).toEqual([]);
    expect(crashes).toBe(0);
    expect(faultsOf(stored[0]!, 0, 5000, true)).toEqual([]);
    expect(stored[0]!.batch.late).toBe(0);
    const made = callsIn(calls);
    expect(new Set(made.map((call) => `${call.key} ${call.attempt}`)).size).toBe(made.length);
  });
});
