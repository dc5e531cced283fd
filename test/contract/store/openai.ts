import { expect } from "vitest";
import { OPENAI_MOVES, OPENAI_STATES, type OpenAiStatus } from "../../../src/model/openai-moves.ts";
import type { NewOpenAiBatch, OpenAiBatchRow, OpenAiChange } from "../../../src/store/openai-batches.ts";
import type { Rig } from "./rig.ts";
import { section } from "./section.ts";

const DAY_MS = 86_400_000;

function batchOf(rig: Rig, id: string, change: Partial<NewOpenAiBatch> = {}): NewOpenAiBatch {
  return {
    id,
    tenant: "acme",
    endpoint: "/v1/chat/completions",
    inputFileId: "file-1",
    metadata: null,
    outputExpiresAfter: 3600,
    fingerprint: "same",
    batchId: `inner_${id}`,
    traceparent: null,
    createdAt: rig.now,
    expiresAt: rig.now + DAY_MS,
    ...change,
  };
}

const insert = (rig: Rig, id: string, change: Partial<NewOpenAiBatch> = {}): Promise<void> =>
  rig.store.openai.insert(batchOf(rig, id, change));
const move = (rig: Rig, id: string, to: OpenAiStatus, change: OpenAiChange = {}): Promise<OpenAiBatchRow | null> =>
  rig.store.openai.move("acme", id, to, { change, messages: [], now: rig.now });

/** Some way from validating to each state. */
const WAYS: Record<OpenAiStatus, OpenAiStatus[]> = {
  validating: [],
  failed: ["failed"],
  in_progress: ["in_progress"],
  finalizing: ["in_progress", "finalizing"],
  completed: ["in_progress", "finalizing", "completed"],
  expired: ["in_progress", "finalizing", "expired"],
  cancelling: ["cancelling"],
  cancelled: ["cancelling", "cancelled"],
};

export const openai = section("openai", {
  async "a batch is validating when it is new, and its tenant's alone"(rig) {
    const metadata = { a: "1", "b c": "ü" };
    await insert(rig, "b1", { metadata });
    const row = await rig.store.openai.get("acme", "b1");
    expect(row).toEqual({
      ...batchOf(rig, "b1", { metadata }),
      status: "validating",
      model: null,
      errors: null,
      usage: null,
      total: 0,
      completed: 0,
      failed: 0,
      outputFileId: null,
      errorFileId: null,
      inProgressAt: null,
      finalizingAt: null,
      completedAt: null,
      failedAt: null,
      expiredAt: null,
      cancellingAt: null,
      cancelledAt: null,
    });
    expect(await rig.store.openai.get("other", "b1")).toBeNull();
    expect(await rig.store.openai.list("other", { before: null, limit: 10 })).toEqual([]);
    expect(await rig.store.openai.repeated("other", "same", 0)).toBeNull();
    expect(await rig.store.openai.move("other", "b1", "failed", { change: {}, messages: [], now: rig.now })).toBeNull();
    await rig.reopen();
    expect(await rig.store.openai.get("acme", "b1")).toEqual(row);
  },

  async "moves are those of the table, each with its stamp and what comes with it"(rig) {
    for (const from of OPENAI_STATES) {
      for (const to of OPENAI_STATES) {
        const id = `${from}-${to}`;
        await insert(rig, id);
        for (const step of WAYS[from]) expect([id, (await move(rig, id, step))?.status]).toEqual([id, step]);
        const before = await rig.store.openai.get("acme", id);
        rig.now += 1;
        const allowed = OPENAI_MOVES.some((each) => each.to === to && (each.from as readonly string[]).includes(from));
        const moved = await move(rig, id, to, { total: 7 });
        expect([id, moved !== null]).toEqual([id, allowed]);
        if (!allowed) expect(await rig.store.openai.get("acme", id)).toEqual(before);
        else {
          const stamp = `${to.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}At`;
          expect(moved).toEqual({ ...before, status: to, total: 7, [stamp]: rig.now });
        }
      }
    }
  },

  async "errors, usage, files and counts are kept as they were given"(rig) {
    await insert(rig, "b1");
    const change: OpenAiChange = {
      model: "m",
      errors: [{ code: "c", line: 3, message: "it's wrong", param: null }],
      usage: { input: 1, cachedInput: 2, output: 3, reasoningOutput: 4, total: 5 },
      total: 9,
      completed: 4,
      failed: 5,
      outputFileId: "file-o",
      errorFileId: "file-e",
    };
    expect(await move(rig, "b1", "failed", change)).toMatchObject(change);
  },

  async "messages go into the outbox with the move, once, and not without it"(rig) {
    await insert(rig, "b1");
    const message = { channel: "hook", dedupeKey: "m1", subject: "s", body: "{}" };
    const step = { change: {}, messages: [message], now: rig.now };
    expect(await rig.store.openai.move("acme", "b1", "completed", step)).toBeNull();
    expect(await rig.store.outbox.due(rig.now, 10)).toEqual([]);
    await rig.store.openai.move("acme", "b1", "failed", { ...step, messages: [message, message] });
    expect(await rig.store.outbox.due(rig.now, 10)).toMatchObject([
      { tenant: "acme", channel: "hook", dedupeKey: "m1", body: "{}", tries: 0 },
    ]);
  },

  async "lists are newest first and stable within one moment"(rig) {
    for (const id of ["b2", "b1", "b3"]) await insert(rig, id);
    rig.now += 1;
    await insert(rig, "b0");
    const first = await rig.store.openai.list("acme", { before: null, limit: 2 });
    expect(first.map((row) => row.id)).toEqual(["b0", "b3"]);
    expect((await rig.store.openai.list("acme", { before: first[1]!, limit: 9 })).map((row) => row.id)).toEqual(["b2", "b1"]);
  },

  async "a repeated create finds the newest one of its fingerprint, no older than asked for"(rig) {
    await insert(rig, "b1");
    await insert(rig, "other", { fingerprint: "another" });
    const since = ++rig.now;
    expect(await rig.store.openai.repeated("acme", "same", since)).toBeNull();
    expect((await rig.store.openai.repeated("acme", "same", since - 1))?.id).toBe("b1");
    await insert(rig, "b2");
    expect((await rig.store.openai.repeated("acme", "same", 0))?.id).toBe("b2");
  },

  async "open ones are those that are not final, of all tenants, oldest first"(rig) {
    for (const state of OPENAI_STATES) {
      await insert(rig, state);
      for (const step of WAYS[state]) await move(rig, state, step);
      rig.now += 1;
    }
    await insert(rig, "theirs", { tenant: "other" });
    expect((await rig.store.openai.open()).map((row) => `${row.tenant}/${row.id}`)).toEqual([
      "acme/validating",
      "acme/in_progress",
      "acme/finalizing",
      "acme/cancelling",
      "other/theirs",
    ]);
  },

  async "final ones are removed when they are old, and results stay while an open one needs them"(rig) {
    const inner = await rig.create([["a"]]);
    await rig.drain(inner);
    await insert(rig, "b1", { batchId: inner.id });
    await move(rig, "b1", "in_progress");
    await insert(rig, "b2");
    await move(rig, "b2", "failed");
    const later = rig.now + DAY_MS;
    expect(await rig.store.openai.remove(rig.now, 10)).toBe(0);
    expect(await rig.store.openai.remove(later, 10)).toBe(1);
    expect(await rig.store.openai.get("acme", "b2")).toBeNull();
    expect(await rig.store.batches.remove(null, later, { limit: 10, dryRun: false })).toBe(0);
    await move(rig, "b1", "finalizing");
    await move(rig, "b1", "completed");
    expect(await rig.store.batches.remove(null, later, { limit: 10, dryRun: false })).toBe(1);
    expect(await rig.store.openai.remove(later, 10)).toBe(1);
  },
});
