import { get } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { createClient, type Client } from "../../src/client/index.ts";
import { FrameParser, type Frame } from "../../src/client/sse.ts";
import { loadConfig } from "../../src/config.ts";
import { startServer, type RunningServer } from "../../src/server.ts";
import { partType, unmergeData } from "../../src/model/merged-event.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { folders } from "../support/folder.ts";
import misbehaving from "../support/programs/misbehaving.config.ts";

/** The log is trimmed below the cursors of readers that are away, or slow: they are told to load a snapshot, and miss nothing. */

const TOKEN = "by_token_of_the_reset_tests";

const newFolder = folders();
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(): Promise<{ server: RunningServer; direct: Client }> {
  const config = loadConfig({
    BATCHYARD_DATA: newFolder(),
    BATCHYARD_PORT: "0",
    BATCHYARD_WORKERS: "0",
    BATCHYARD_TOKEN: TOKEN,
    LOG_LEVEL: "silent",
  });
  const server = await startServer({ config, operations: misbehaving.operations });
  cleanups.push(() => server.stop());
  return { server, direct: createClient({ url: server.url, token: TOKEN }) };
}

const trim = (server: RunningServer): Promise<number> => server.yard.store.events.trim({ before: Infinity, keep: 0 });
const announced = { operation: "steady", total_items: 2 };

it("a client that was away hears how its batches stand, and their ends once", async () => {
  const { server, direct } = await start();
  let port: number | null = Number(new URL(server.url).port);
  const proxy = new CuttingProxy(() => port);
  await proxy.listen();
  cleanups.push(() => proxy.close());
  const client = createClient({ url: proxy.url, token: TOKEN, wait: () => turn() });
  cleanups.push(async () => client.close());
  const told: string[] = [];
  let waiting: (() => void)[] = [];
  const tell = (line: string): void => {
    told.push(line);
    for (const wake of waiting.splice(0)) wake();
  };
  const heard = async (line: string): Promise<void> => {
    while (!told.includes(line)) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  client.on("connection:open", () => tell("open"));
  client.on("connection:reset", () => tell("reset"));
  client.on("batch:error", (error) => tell(`error ${error.message}`));
  client.on("batch:created", ({ id }) => tell(`created ${id}`));
  client.on("batch:progress", ({ batchId, status, processed }) => tell(`${batchId} ${status} ${processed}`));
  client.on("batch:completed", ({ batchId }) => tell(`completed ${batchId}`));
  await heard("open");

  for (let round = 0; round < 6; round++) {
    const { id } = await direct.create(announced);
    await heard(`created ${id}`);
    port = null;
    proxy.cut(0);
    await direct.record(id, { nodeId: "1", success: true });
    const endsBefore = round % 2 === 0;
    if (endsBefore) await direct.record(id, { nodeId: "2", success: true });
    else await direct.cancel((await direct.create(announced)).id);
    expect(await trim(server)).toBeGreaterThan(1);
    told.length = 0;
    waiting = [];
    port = Number(new URL(server.url).port);
    await heard("reset");
    await heard(endsBefore ? `${id} completed 2` : `${id} running 1`);
    if (!endsBefore) await direct.record(id, { nodeId: "2", success: true });
    await heard(`completed ${id}`);
    // One more batch: whatever was still to come of the first has come before it.
    const next = await direct.create(announced);
    await heard(`created ${next.id}`);
    await direct.cancel(next.id);
    expect(told.filter((line) => line === `completed ${id}`)).toHaveLength(1);
    const states = told.filter((line) => line.startsWith(`${id} `)).map((line) => line.split(" ")[1]);
    expect(states).toEqual(states.toSorted((a, b) => Number(a === "completed") - Number(b === "completed")));
    expect(told.filter((line) => line.startsWith("error"))).toEqual([]);
  }
});

it("a snapshot and what follows its cursor are together what the store holds, while batches run", async () => {
  const { server, direct } = await start();
  const ids: string[] = [];
  for (let n = 0; n < 40; n++) ids.push((await direct.create(announced)).id);
  await trim(server);

  const statuses = new Map<string, string>();
  const frames: Frame[] = [];
  const read = (since: string, enough: (frame: Frame) => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${TOKEN}`, "last-event-id": since };
      const asked = get(`${server.url}/api/events?types=batch.*`, { headers, agent: false }, (response) => {
        const parser = new FrameParser();
        response.setEncoding("utf8");
        response.on("error", () => undefined);
        response.on("close", resolve);
        response.on("data", (text: string) => {
          for (const frame of parser.push(text)) {
            frames.push(frame);
            if (enough(frame)) asked.destroy();
          }
        });
      });
      asked.on("error", (error: NodeJS.ErrnoException) => (error.code === "ECONNRESET" ? resolve() : reject(error)));
    });

  const working = (async () => {
    for (const id of ids) {
      await direct.record(id, { nodeId: "1", success: true });
      if (id.charCodeAt(id.length - 1) % 3 === 0) await direct.cancel(id);
      else await direct.record(id, { nodeId: "2", success: true });
    }
  })();
  // Reset, snapshot, subscribe; several times over, in the middle of it all.
  for (let round = 0; round < 8; round++) {
    frames.length = 0;
    await read(`${server.yard.events.epoch()}.0`, ({ event }) => event === "stream.reset");
    expect(frames.map(({ event }) => event)).toEqual(["stream.hello", "stream.reset"]);
    const { data } = JSON.parse(frames[1]!.data) as { data: { snapshotUrl: string; cursor: string } };
    expect(data.cursor).toBe(frames[1]!.id);
    const answer = await fetch(`${server.url}${data.snapshotUrl}?limit=100`, { headers: { authorization: `Bearer ${TOKEN}` } });
    const snapshot = (await answer.json()) as { batches: { id: string; status: string }[] };
    statuses.clear();
    for (const { id, status } of snapshot.batches) statuses.set(id, status);
    if (round === 7) await working;
    frames.length = 0;
    const last = await direct.create(announced);
    await read(answer.headers.get("x-stream-cursor")!, (frame) => {
      const part = partType(frame.event);
      if (!frame.event.startsWith("batch")) return false;
      const { data: body } = JSON.parse(frame.data) as { data: Record<string, unknown> };
      const parts = part === null ? [body] : unmergeData(body);
      for (const each of parts) statuses.set(each["batch_id"] as string, each["status"] as string);
      return statuses.has(last.id);
    });
    expect(frames.map(({ event }) => event)).not.toContain("stream.reset");
  }
  const { batches } = await direct.history({ limit: 100 });
  for (const { id, status } of batches) expect([id, statuses.get(id)]).toEqual([id, status]);
  expect(batches.filter(({ status }) => status === "completed").length).toBeGreaterThan(0);
});

it("a reader among old events that are trimmed away is reset where it stands, and goes on from there", async () => {
  const { server } = await start();
  const { events } = server.yard.store;
  const draft = (n: number, bytes: number) => ({
    tenant: "default",
    type: "someone.elses",
    entity: { kind: "batch", id: "b" },
    severity: "info" as const,
    ts: n,
    data: { batch_id: "b", n, text: "x".repeat(bytes) },
  });
  const count = 1_000;
  const first = await events.lastSeq();
  for (let n = 1; n <= count; n++) await events.append([draft(n, 20_000)]);
  while (server.yard.events.lastSeq() < first + count) await turn();
  const frames: Frame[] = [];
  const headers = { authorization: `Bearer ${TOKEN}`, "last-event-id": `${server.yard.events.epoch()}.${first}` };
  await new Promise<void>((resolve) => {
    const asked = get(`${server.url}/api/events?coalesce=off`, { headers, agent: false }, (response) => {
      const parser = new FrameParser();
      response.setEncoding("utf8");
      response.on("error", () => undefined);
      response.on("close", resolve);
      response.once("data", () => {
        // It stops reading; the log goes on, and loses what this reader has not got.
        response.pause();
        void (async () => {
          let unread = -1;
          for (let same = 0; same < 10;) {
            const answer = await fetch(`${server.url}/api/events/stats`, { headers: { authorization: `Bearer ${TOKEN}` } });
            const { stats } = (await answer.json()) as { stats: { connections: { unread_bytes: number } } };
            const now = stats.connections.unread_bytes;
            same = now === unread && now > 0 ? same + 1 : 0;
            unread = now;
          }
          await trim(server);
          await events.append([draft(count + 1, 1)]);
          response.resume();
        })();
      });
      response.on("data", (text: string) => {
        frames.push(...parser.push(text));
        if (frames.some(({ event }) => event === "stream.reset")) {
          // What comes after the reset is new.
          if (!frames.some(({ event, data }) => event === "someone.elses" && data.includes('"last"')))
            void events.append([{ ...draft(count + 2, 1), data: { batch_id: "b", n: count + 2, text: "last" } }]);
          else asked.destroy();
        }
      });
    });
    asked.on("error", () => undefined);
  });
  const names = frames.map(({ event }) => event);
  const at = names.indexOf("stream.reset");
  expect(at).toBeGreaterThan(1);
  const before = frames.slice(1, at).map(({ id }) => Number(id!.split(".")[1]));
  expect(before).toEqual(before.map((_, index) => first + 1 + index));
  expect(before.length).toBeLessThan(count);
  const { data } = JSON.parse(frames[at]!.data) as { data: { cursor: string; snapshotUrl: string } };
  expect(data).toEqual({ snapshotUrl: "/api/batch/history", cursor: frames[at]!.id });
  const resumedAt = Number(frames[at]!.id!.split(".")[1]);
  const after = frames.slice(at + 1).map(({ id }) => Number(id!.split(".")[1]));
  expect(after[0]).toBe(resumedAt + 1);
  expect(names.filter((name) => name === "stream.reset")).toHaveLength(1);
});
