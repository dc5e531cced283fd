import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { createClient } from "../../src/client/index.ts";
import { loadConfig } from "../../src/config.ts";
import { startServer, type RunningServer } from "../../src/server.ts";
import { endChildren } from "../support/child.ts";
import { numbered } from "../support/fates.ts";
import { folders } from "../support/folder.ts";
import config from "../support/programs/misbehaving.config.ts";
import { recount } from "../support/recount.ts";
import { finished, program, TOKEN } from "../support/served.ts";

const LEASE_MS = 12_000;
const BEAT_MS = 4_000;
const BLOCKED_MS = 8_000;

const newFolder = folders();
let server: RunningServer | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
  await endChildren();
});

it("an event loop blocked for 8 s costs nobody a chunk; a worker that is killed is missed when its lease ends, and not before", async () => {
  const data = newFolder();
  const settings = loadConfig({ BATCHYARD_DATA: data, BATCHYARD_PORT: "0", BATCHYARD_TOKEN: TOKEN, LOG_LEVEL: "error" });
  expect(settings.leaseMs).toBe(LEASE_MS);
  server = await startServer({ config: settings, operations: config.operations });
  const { yard, url } = server;
  const client = createClient({ url, token: TOKEN });
  const stalls: { batch: string; ts: number }[] = [];
  const stalled = new Promise<void>((resolve) => {
    yard.events.subscribe((events) => {
      for (const event of events) if (event.type === "chunk.stalled") stalls.push({ batch: event.entity.id, ts: event.ts });
      if (stalls.length > 0) resolve();
    });
  });
  const outside = await client.create(
    { operation: "outside", options: { executor: "external", batchSize: 20 } },
    numbered(0, 20).map((item) => ({ ...item })),
  );
  const sent = join(data, "sent");
  const worker = program("outside-worker.ts", [url, String(LEASE_MS), String(BEAT_MS), sent]);
  await worker.line(/^leased \d+ fence \d+ items 20$/);

  const blocked = await client.create({ operation: "blocking" }, [{ id: "k0", n: 0, blockMs: BLOCKED_MS, until: sent }]);
  // A heartbeat waited behind the block: it does not end before one is sent.
  await finished(client, blocked.id);
  // Killed between two heartbeats, so that the last one it told of is the last one that arrived.
  worker.kill("SIGUSR2");
  await worker.line(/^silent$/);
  expect(stalls).toEqual([]);
  const beats = worker.lines.filter((line) => line.startsWith("beat ")).map((line) => /^beat (\d+) held 1$/.exec(line)?.[1] ?? line);
  await worker.end("SIGKILL");
  await stalled;
  expect(stalls.map(({ batch }) => batch)).toEqual([outside.id]);
  // How soon after the lease's end: "a stall" in src/engine/external.test.ts, on the virtual clock.
  expect(stalls[0]!.ts - Number(beats.at(-1))).toBeGreaterThanOrEqual(LEASE_MS);
  await server.stop();
  server = null;
  const { findings, stored, crashes } = await recount(data);
  expect(findings).toEqual([]);
  // The killed worker's; the blocked handler's chunk ran once.
  expect(crashes).toBe(1);
  expect(stored.find(({ batch }) => batch.id === blocked.id)).toMatchObject({ batch: { status: "completed", retried: 0, late: 0 } });
});
