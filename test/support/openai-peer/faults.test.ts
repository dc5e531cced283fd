import type { OpenAI } from "openai";
import { afterEach, describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../../src/model/clock.ts";
import { VirtualClock } from "../../../src/testing/index.ts";
import { chatLines, CLIENTS, clientOf, create, failure, ids, linesOf, submit, upload } from "./driven.ts";
import { type BatchFault, LOSING, randomFaults } from "./faults.ts";
import { type Peer, type PeerOptions, startPeer } from "./peer.ts";

let peer: Peer;
const started = async (options: PeerOptions = {}): Promise<Peer> => (peer = await startPeer(options));
afterEach(() => peer.close());

const fired = async (): Promise<Record<string, number>> => (await peer.record()).fired;
const IDS = ["c1", "c2", "c3", "c4"];

describe.each(CLIENTS)("faults of calls, %s", (_name, Client) => {
  it("loses the reply of a create that has acted; a second batch of the attempt is then live beside the first", async () => {
    const client = clientOf(
      (await started({ faults: { calls: [{ on: "batches.create", fault: "lose-reply", at: [1] }] } })).baseURL,
      Client,
    );
    const file = await upload(client, chatLines(1));
    expect(await failure(create(client, file.id, "a1"))).toBeInstanceOf(Client.APIConnectionError);
    expect((await client.batches.list()).data.map(({ metadata }) => metadata)).toEqual([{ attempt: "a1" }]);
    await create(client, file.id, "a1");
    const { attempts, fired: counted, calls } = await peer.record();
    expect(attempts["a1"]).toEqual({ created: 2, live: 2, mostLive: 2 });
    expect(counted).toEqual({ "lose-reply": 1 });
    expect(calls["batches.create"]).toBe(2);
  });

  it("breaks the connection before it acts", async () => {
    const client = clientOf((await started({ faults: { calls: [{ on: "batches.create", fault: "throw", times: 1 }] } })).baseURL, Client);
    const file = await upload(client, chatLines(1));
    expect(await failure(create(client, file.id))).toBeInstanceOf(Client.APIConnectionError);
    expect((await peer.record()).batches).toEqual([]);
    expect((await create(client, file.id)).status).toBe("validating");
  });

  it("answers 429 with and without Retry-After, 500 and 409, having acted or not", async () => {
    const { baseURL } = await started();
    const client = clientOf(baseURL, Client);
    const file = await upload(client, chatLines(1));
    await peer.faults({
      calls: [
        { on: "batches.create", fault: "answer", status: 429, retryAfter: 7, at: [1] },
        { on: "batches.create", fault: "answer", status: 429, at: [2] },
        { on: "batches.create", fault: "answer", status: 500, acted: true, at: [3] },
        { on: "batches.create", fault: "answer", status: 409, code: "conflict", message: "Busy.", at: [4] },
      ],
    });
    const first = await failure(create(client, file.id));
    expect(first).toBeInstanceOf(Client.RateLimitError);
    expect([first.headers?.get("retry-after"), first.code]).toEqual(["7", "rate_limit_exceeded"]);
    expect((await failure(create(client, file.id))).headers?.get("retry-after")).toBeNull();
    expect((await peer.record()).batches).toHaveLength(0);
    expect(await failure(create(client, file.id))).toBeInstanceOf(Client.InternalServerError);
    expect((await peer.record()).batches).toHaveLength(1);
    const conflict = await failure(create(client, file.id));
    expect([conflict.status, conflict.code, conflict.message]).toEqual([409, "conflict", "409 Busy."]);
    expect(await fired()).toEqual({ "answer 429": 2, "answer 500": 1, "answer 409": 1 });
  });

  it("cuts a download, cleanly or by a reset", async () => {
    const client = clientOf((await started()).baseURL, Client);
    const file = await upload(client, ["0123456789".repeat(10_000)]);
    await peer.faults({
      calls: [
        { on: "files.content", fault: "cut", share: 0.5, how: "short", at: [1] },
        { on: "files.content", fault: "cut", share: 0.5, how: "reset", at: [2] },
      ],
    });
    expect(await (await client.files.content(file.id)).text()).toHaveLength(50_000);
    await failure(client.files.content(file.id).then((response) => response.text()));
    expect(await (await client.files.content(file.id)).text()).toHaveLength(100_001);
    expect(await fired()).toEqual({ cut: 2 });
  });

  it("goes down and comes back under its address: refused, or 503, by order or at a call", async () => {
    const client = clientOf((await started()).baseURL, Client);
    await peer.down("refused");
    expect(await failure(client.models.list())).toBeInstanceOf(Client.APIConnectionError);
    await Promise.all([peer.up(), peer.up()]);
    await client.models.list();
    await peer.down("503");
    expect((await failure(client.models.list())).status).toBe(503);
    await peer.up();
    await peer.faults({ calls: [{ on: "models", fault: "down", how: "refused", at: [2] }] });
    await client.models.list();
    expect(await failure(client.models.list())).toBeInstanceOf(Client.APIConnectionError);
    expect(await failure(client.files.list())).toBeInstanceOf(Client.APIConnectionError);
    await peer.up();
    await client.files.list();
    expect(await fired()).toEqual({ down: 2 });
  });

  it("holds an answer until it is told, slows another by its clock, and comes back after a time", async () => {
    const clock = new VirtualClock();
    const client = clientOf((await started({ clock })).baseURL, Client);
    await peer.faults({ calls: [{ on: "models", fault: "hold", times: 1 }] });
    const held = client.models.list();
    await peer.seen("models");
    await peer.release();
    expect((await held).object).toBe("list");

    await peer.faults({ calls: [{ on: "models", fault: "slow", ms: 60_000 }] });
    const slow = client.models.list();
    await peer.seen("models", 2);
    expect(clock.nextAt()).toBe(clock.now() + 60_000);
    await clock.advance(60_000);
    await slow;

    await peer.faults({ calls: [{ on: "models", fault: "down", how: "503", ms: 1000 }] });
    await failure(client.models.list());
    expect((await failure(client.files.list())).status).toBe(503);
    await clock.advance(1000);
    await client.files.list();
    expect(await fired()).toEqual({ hold: 1, slow: 1, down: 2 });
  });

  it("loses the reply of a single request, which is billed all the same", async () => {
    const client = clientOf((await started({ faults: { calls: [{ on: "chat.completions", fault: "lose-reply" }] } })).baseURL, Client);
    await failure(client.chat.completions.create({ model: "gpt-4o", messages: [{ role: "user", content: "hi" }] }));
    expect((await peer.record()).billed).toMatchObject([{ batchId: null, text: "hi" }]);
  });
});

/** A batch of four lines under one fault, moved to its end. */
async function ended(fault: BatchFault): Promise<{ client: OpenAI; batch: OpenAI.Batch }> {
  const client = clientOf((await started({ faults: { seed: 7, batches: [fault] } })).baseURL);
  const { id } = await submit(client, chatLines(4));
  await peer.advance(Infinity);
  return { client, batch: await client.batches.retrieve(id) };
}

describe("faults of batches", () => {
  it("expires with what was done until then", async () => {
    const { client, batch } = await ended({ fault: "expire", share: 0.5 });
    expect(batch).toMatchObject({ status: "expired", request_counts: { total: 4, completed: 2, failed: 0 } });
    expect(ids(await linesOf(client, batch.output_file_id))).toEqual(["c1", "c2"]);
    expect((await linesOf(client, batch.error_file_id)).map(({ custom_id, error }) => [custom_id, error?.code])).toEqual([
      ["c3", "batch_expired"],
      ["c4", "batch_expired"],
    ]);
    expect((await peer.record()).billed.map(({ customId }) => customId)).toEqual(["c1", "c2"]);
    expect(await fired()).toEqual({ expire: 1 });
  });

  it("completes with everything failed and no output file", async () => {
    const { client, batch } = await ended({ fault: "fail-lines", share: 1, status: 429 });
    expect(batch).toMatchObject({ status: "completed", output_file_id: null, request_counts: { total: 4, completed: 0, failed: 4 } });
    const lines = await linesOf(client, batch.error_file_id);
    expect(lines.map(({ custom_id, response, error }) => [custom_id, response?.status_code, error])).toEqual(
      IDS.map((id) => [id, 429, null]),
    );
    expect((await peer.record()).billed).toEqual([]);
  });

  it.each<[BatchFault, (found: (string | null)[]) => void]>([
    [{ fault: "shuffle" }, (found) => (expect(found).not.toEqual(IDS), expect(new Set(found)).toEqual(new Set(IDS)))],
    [{ fault: "repeat", share: 0.5 }, (found) => (expect(found).toHaveLength(6), expect([...new Set(found)]).toEqual(IDS))],
    [{ fault: "drop-lines", share: 0.5 }, (found) => expect(found).toHaveLength(2)],
    [{ fault: "drop-ids", share: 0.25 }, (found) => expect(found.filter((id) => id === null)).toHaveLength(1)],
    [{ fault: "invent-ids", lines: 2 }, (found) => expect(found.filter((id) => !IDS.includes(id!))).toHaveLength(2)],
  ])("distorts the output: %j; the bill stays true", async (fault, check) => {
    const { client, batch } = await ended(fault);
    check(ids(await linesOf(client, batch.output_file_id)));
    expect(batch.request_counts).toEqual({ total: 4, completed: 4, failed: 0 });
    expect((await peer.record()).billed.map(({ customId }) => customId)).toEqual(IDS);
    expect(await fired()).toEqual({ [fault.fault]: 1 });
  });

  it("counts wrong, shouts, and fails with any error", async () => {
    expect((await ended({ fault: "counters", completed: 9, failed: 1 })).batch.request_counts).toEqual({
      total: 4,
      completed: 9,
      failed: 1,
    });
    await peer.close();
    expect((await ended({ fault: "upper-case" })).batch.status).toBe("COMPLETED");
    await peer.close();
    const { batch } = await ended({ fault: "fail", code: "internal_error", message: "Try again." });
    expect(batch.errors).toEqual({ object: "list", data: [{ code: "internal_error", message: "Try again.", line: null, param: null }] });
    expect(await fired()).toEqual({ fail: 1 });
  });

  it("shows the output some polls late", async () => {
    const { client, batch } = await ended({ fault: "output-late", polls: 2 });
    const again = [await client.batches.retrieve(batch.id), await client.batches.retrieve(batch.id)];
    expect([batch, ...again].map(({ status, output_file_id }) => [status, output_file_id === null])).toEqual([
      ["completed", true],
      ["completed", true],
      ["completed", false],
    ]);
    expect(await fired()).toEqual({ "output-late": 2 });
  });

  it("vanishes for some polls, from lists too", async () => {
    const client = clientOf((await started({ faults: { batches: [{ fault: "vanish", after: 1, polls: 2 }] } })).baseURL);
    const { id } = await submit(client, chatLines(1));
    await client.batches.retrieve(id);
    expect((await failure(client.batches.retrieve(id))).status).toBe(404);
    expect((await client.batches.list()).data).toEqual([]);
    expect((await client.batches.list()).data).toHaveLength(1);
    expect(await fired()).toEqual({ vanish: 2 });
  });

  it("lists late, by lists and by time; retrieves at once", async () => {
    const clock = new VirtualClock();
    const batches: BatchFault[] = [
      { fault: "list-late", lists: 2, at: [1] },
      { fault: "list-late", ms: 60_000, at: [2] },
    ];
    const client = clientOf((await started({ clock, faults: { batches } })).baseURL);
    const [first, second] = [await submit(client, chatLines(1)), await submit(client, chatLines(1))];
    const listed = async (): Promise<string[]> => (await client.batches.list()).data.map(({ id }) => id);
    expect([await listed(), await listed(), await listed()]).toEqual([[], [], [first.id]]);
    expect((await client.batches.retrieve(second.id)).id).toBe(second.id);
    await clock.advance(60_000);
    expect(await listed()).toEqual([second.id, first.id]);
    expect(await fired()).toEqual({ "list-late": 5 });
  });

  it("cannot find a file within a minute of its upload", async () => {
    const clock = new VirtualClock();
    const client = clientOf((await started({ clock, faults: { files: [{ fault: "file-late", ms: 60_000 }] } })).baseURL);
    const file = await upload(client, chatLines(1));
    const late = await failure(create(client, file.id));
    expect([late.status, late.param]).toEqual([400, "file_id"]);
    expect(late.message).toMatch(/Cannot find file/);
    await clock.advance(60_000);
    await create(client, file.id);
    expect(await fired()).toEqual({ "file-late": 1 });
  });

  it("cancels slowly and goes on with lines meanwhile", async () => {
    const { baseURL } = await started({ runSteps: 4, faults: { batches: [{ fault: "cancel-slow", steps: 2 }] } });
    const client = clientOf(baseURL);
    const { id } = await submit(client, chatLines(4));
    await peer.advance(2);
    await client.batches.cancel(id);
    await peer.advance(2);
    expect((await client.batches.retrieve(id)).status).toBe("cancelling");
    await peer.advance();
    const batch = await client.batches.retrieve(id);
    expect([batch.status, ids(await linesOf(client, batch.output_file_id))]).toEqual(["cancelled", ["c1", "c2", "c3"]]);
    expect((await peer.record()).billed).toHaveLength(3);
  });

  it("shows a status nobody knows", async () => {
    const faults = { batches: [{ fault: "status", as: "queued", instead: "validating" }] } as const;
    const client = clientOf((await started({ faults })).baseURL);
    const { id, status } = await submit(client, chatLines(1));
    await peer.advance();
    expect([status, (await client.batches.retrieve(id)).status]).toEqual(["queued", "in_progress"]);
  });

  it("lets no more tokens wait than its limit, in the provider's words", async () => {
    const client = clientOf((await started({ enqueuedTokens: { "gpt-4o": 90_000 } })).baseURL);
    const content = "x".repeat(4 * 49_997);
    const line = (model: string): object => ({ ...chatLines(1, model)[0], body: { model, messages: [{ role: "user", content }] } });
    const [first, second, other] = [
      await submit(client, [line("gpt-4o")]),
      await submit(client, [line("gpt-4o")]),
      await submit(client, [line("gpt-4o-mini")]),
    ];
    await peer.advance();
    const failed = await client.batches.retrieve(second.id);
    expect(failed.errors!.data![0]).toEqual({
      code: "token_limit_exceeded",
      line: null,
      message: expect.stringMatching(
        /^Enqueued token limit reached for gpt-4o in organization org-\w+\. Limit: 90,000 enqueued tokens\. Please try again once some in_progress batches have been completed\.$/,
      ) as string,
      param: null,
    });
    expect((await client.batches.retrieve(first.id)).status).toBe("in_progress");
    expect((await client.batches.retrieve(other.id)).status).toBe("in_progress");
    await peer.advance(Infinity);
    const third = await create(client, second.input_file_id);
    await peer.advance();
    expect((await client.batches.retrieve(third.id)).status).toBe("in_progress");
    expect(await fired()).toEqual({ token_limit_exceeded: 1 });
  });
});

it("draws the same faults from the same seed, every kind from some, and none that was left out", async () => {
  await started();
  const kinds = (seed: number, without: typeof LOSING | [] = []): string[] => {
    const { calls = [], files = [], batches = [] } = randomFaults(seed, { without });
    return [...calls, ...files, ...batches].map(({ fault }) => fault);
  };
  const seeds = Array.from({ length: 300 }, (_, seed) => seed);
  expect(randomFaults(42)).toEqual(randomFaults(42));
  expect(new Set(seeds.flatMap((seed) => kinds(seed))).size).toBe(21);
  expect(seeds.flatMap((seed) => kinds(seed, LOSING)).filter((kind) => LOSING.some((lost) => lost === kind))).toEqual([]);
});

/** Every wait is over at the next turn of the event loop. */
const impatient: Clock = {
  ...systemClock,
  after(_ms, fire) {
    const turn = setImmediate(fire);
    return () => clearImmediate(turn);
  },
};

it("lets a client that goes on trying through, whatever the seed; what it fetched is what was billed", async () => {
  await started({ steps: "poll", clock: impatient });
  for (let seed = 0; seed < 40; seed++) {
    await peer.faults(randomFaults(seed, { without: LOSING }));
    const client = clientOf(peer.baseURL);
    const insist = async <T>(what: () => Promise<T>): Promise<T> => {
      for (let tries = 1; ; tries++) {
        try {
          return await what();
        } catch (error) {
          if (tries === 400) throw error;
        }
      }
    };
    const lines = chatLines(5).map((line) => ({ ...line, custom_id: `s${seed}-${String(line["custom_id"])}` }));
    const file = await insist(() => upload(client, lines));
    const { id } = await insist(() => create(client, file.id, `a${seed}`));
    let batch = await insist(() => client.batches.retrieve(id));
    while (!["completed", "expired"].includes(batch.status.toLowerCase())) batch = await insist(() => client.batches.retrieve(id));
    while (
      batch.output_file_id === null &&
      batch.request_counts!.completed > 0 &&
      (await peer.record()).batches.at(-1)!.outputFileId !== null
    )
      batch = await insist(() => client.batches.retrieve(id));
    // A download that was cut cleanly is short; asked again, it is whole.
    let found = await insist(() => linesOf(client, batch.output_file_id));
    for (let again = 0; again < 6; again++) {
      const next = await insist(() => linesOf(client, batch.output_file_id));
      if (next.length > found.length) found = next;
    }
    const billed = (await peer.record()).billed.filter(({ batchId }) => batchId === id).map(({ customId }) => customId);
    expect(new Set(billed).size, `seed ${seed}`).toBe(billed.length);
    expect(new Set(ids(found).filter((each) => !each!.startsWith("invented-"))), `seed ${seed}`).toEqual(new Set(billed));
  }
  expect(Object.keys(await fired()).length).toBeGreaterThan(10);
});
