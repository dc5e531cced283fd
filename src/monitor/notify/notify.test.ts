import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { defineOperation } from "batchyard";
import { createTestYard, type TestYard } from "batchyard/testing";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const SECRET = "a secret of the channel";

let sink: Server;
let yard: TestYard;
let heard: { body: string; headers: IncomingHttpHeaders; at: number }[];
let answers: number[];

beforeEach(async () => {
  heard = [];
  answers = [];
  sink = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      heard.push({ body: Buffer.concat(parts).toString("utf8"), headers: request.headers, at: yard.clock.now() });
      response.writeHead(answers.shift() ?? 204, { location: "http://127.0.0.1:9/elsewhere" }).end();
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
  const webhook = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/hook`;
  yard = await createTestYard({
    channels: { ops: { webhook, secret: SECRET } },
    operations: [
      defineOperation({
        name: "work",
        processItem: (item: { fails?: boolean }, ctx) =>
          item.fails === true && ctx.idempotencyKey.includes(":1:")
            ? Promise.reject(Object.assign(new Error("no"), { category: "data" }))
            : { result: 1 },
      }),
    ],
  });
});
afterEach(async () => {
  await yard.close();
  sink.closeAllConnections();
  await new Promise((resolve) => sink.close(resolve));
});

/** Moves time on to each message that is due, until so many calls were heard and answered. */
async function delivered(count: number): Promise<void> {
  const { outbox } = yard.parts.store;
  while (heard.length < count) {
    await yard.advance(Math.max(1000, ((await outbox.nextAt()) ?? 0) + 1000 - yard.clock.now()));
    // The request is real: the courier notes its answer in some turn of the event loop.
    while ((await outbox.due(yard.clock.now(), 1)).length > 0) await turn();
  }
}

const settled = async (): Promise<void> => {
  while ((await yard.parts.store.outbox.nextAt()) !== null) await yard.advance(1000);
};

describe("notifyOnComplete", () => {
  it("tells the channels when a batch has ended, signed by Standard Webhooks", async () => {
    const { id } = await yard.createBatch({
      operation: "work",
      name: "nightly",
      items: [{}, { fails: true }],
      options: { notifyOnComplete: true },
    });
    await yard.runToEnd(id);
    await delivered(1);
    expect(heard).toHaveLength(1);
    const { body, headers } = heard[0]!;
    const signed = {
      "webhook-id": headers["webhook-id"] as string,
      "webhook-timestamp": headers["webhook-timestamp"] as string,
      "webhook-signature": headers["webhook-signature"] as string,
    };
    expect(new Webhook(Buffer.from(SECRET).toString("base64")).verify(body, signed)).toMatchObject({
      type: "notice",
      subject: "Batch nightly completed",
      data: { type: "batch.completed", batch_id: id, total: 2, succeeded: 1, failed: 1, epoch: 1, status: "completed" },
    });
  });

  it("names of channels are kept to, and log is one", async () => {
    const { id } = await yard.createBatch({ operation: "work", items: [{}], options: { notifyOnComplete: ["log"] } });
    await yard.runToEnd(id);
    await settled();
    expect(heard).toEqual([]);
    await expect(yard.createBatch({ operation: "work", items: [{}], options: { notifyOnComplete: ["pager"] } })).rejects.toThrow(
      /There is no channel 'pager'; known: log, ops/,
    );
    const silent = await yard.createBatch({ operation: "work", items: [{}] });
    await yard.runToEnd(silent.id);
    expect(await yard.parts.store.outbox.nextAt()).toBeNull();
  });

  it("is tried again after an error or a redirect, later each time, under the same id", async () => {
    answers = [500, 302, 503];
    const { id } = await yard.createBatch({ operation: "work", items: [{}], options: { notifyOnComplete: ["ops"] } });
    await yard.runToEnd(id);
    await delivered(4);
    expect(heard).toHaveLength(4);
    expect(new Set(heard.map((call) => call.headers["webhook-id"]))).toEqual(new Set([`end:${id}:1:ops`]));
    const waits = heard.slice(1).map((call, i) => call.at - heard[i]!.at);
    for (const [i, least] of [5000, 10_000, 20_000].entries()) expect(waits[i]).toBeGreaterThanOrEqual(least);
    await settled();
    expect(heard).toHaveLength(4);
  });

  it("tells once an epoch", async () => {
    const { id } = await yard.createBatch({ operation: "work", items: [{ fails: true }, {}], options: { notifyOnComplete: ["ops"] } });
    await yard.runToEnd(id);
    await delivered(1);
    await yard.retryBatch(id);
    await yard.runToEnd(id);
    await delivered(2);
    await settled();
    expect(heard.map((call) => (JSON.parse(call.body) as { data: { epoch: number; succeeded: number } }).data)).toMatchObject([
      { epoch: 1, succeeded: 1 },
      { epoch: 2, succeeded: 2 },
    ]);
  });
});
