import { openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { defineConfig, defineOperation, OperationError } from "../../../src/index.ts";
import { fate, resultOf, type Numbered } from "../fates.ts";
import { aborted, opened } from "../gate.ts";
import { lapse } from "../lapse.ts";

/** Every call of a handler, one line each, written before the handler does anything: a killed process has said what it called. */
const calls = process.env["CALLS"] === undefined ? null : openSync(join(process.env["CALLS"], `${process.pid}.calls`), "a");

function called(key: string, attempt: number): void {
  if (calls !== null) writeSync(calls, `${Date.now()} ${key} ${attempt}\n`);
}

/**
 * Works `workMs` on an item, then does what the item's number says; an item costs `itemUsd`. Items from the number `gate.from` on
 * wait until the file `gate.file` is there, so that a test knows what is not done yet.
 */
const steady = defineOperation({
  name: "steady",
  options: z.strictObject({
    workMs: z.number().default(0),
    itemUsd: z.number().optional(),
    gate: z.strictObject({ file: z.string(), from: z.number() }).optional(),
  }),
  async processItem(item: Numbered, ctx) {
    called(ctx.key, ctx.attempt);
    const { workMs, gate } = ctx.options;
    if (workMs > 0) await lapse(workMs, ctx.signal);
    if (gate !== undefined && item.n >= gate.from) await Promise.race([opened(gate.file), aborted(ctx.signal)]);
    const kind = fate(item.n);
    if (kind === "transient" && ctx.attempt === 0) throw new Error("Not this time");
    if (kind === "permanent") throw new OperationError("Never", { code: "never" });
    return { result: resultOf(item), ...(ctx.options.itemUsd === undefined ? {} : { cost: ctx.options.itemUsd }) };
  },
});

/** Takes its process down when an item says so. */
const deadly = defineOperation({
  name: "deadly",
  options: z.strictObject({ workMs: z.number().default(0) }),
  async processItem(item: Numbered & { deadly?: boolean }, ctx) {
    called(ctx.key, ctx.attempt);
    if (item.deadly === true) process.kill(process.pid, "SIGKILL");
    if (ctx.options.workMs > 0) await lapse(ctx.options.workMs, ctx.signal);
    return { result: resultOf(item) };
  },
});

/** Ends its worker thread when an item says so. */
const deadlyThread = defineOperation({ name: "deadly_thread", thread: new URL("./deadly-thread.ts", import.meta.url) });

/** Says that it runs and goes on until it is aborted; items without `hold` end at once. */
const holding = defineOperation({
  name: "holding",
  async processItem(item: Numbered & { hold?: boolean }, ctx) {
    called(ctx.key, ctx.attempt);
    if (item.hold === true && process.env["HOLD"] === "1") {
      process.stderr.write(`holding ${ctx.key} attempt ${ctx.attempt}\n`);
      await lapse(2 ** 31 - 1, process.env["OBEY"] === "1" ? ctx.signal : new AbortController().signal);
    }
    return { result: resultOf(item) };
  },
});

/** Blocks the event loop until so much time is over and the file has grown, and burns nothing while it does. */
const blocking = defineOperation({
  name: "blocking",
  processItem(item: Numbered & { blockMs: number; until: string }, ctx) {
    called(ctx.key, ctx.attempt);
    const size = (): number => statSync(item.until, { throwIfNoEntry: false })?.size ?? 0;
    const before = size();
    const cell = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(cell, 0, 0, item.blockMs);
    // What blocks the loop blocks the test's own time limit with it: it ends also where nothing comes.
    for (let waits = 0; size() === before && waits < 10_000; waits++) Atomics.wait(cell, 0, 0, 10);
    return { result: resultOf(item) };
  },
});

/** What outside workers do. */
const outside = defineOperation({ name: "outside", processItem: (item: Numbered) => ({ result: resultOf(item) }) });

export default defineConfig({ operations: [steady, deadly, deadlyThread, holding, blocking, outside] });
