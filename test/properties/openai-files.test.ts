import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { defineOperation } from "../../src/operations/define.ts";
import { openAiRig, line, type OpenAiRig } from "../support/openai-rig.ts";

/** What the handler of one batch has been asked, and what its held lines wait for. */
class Asked {
  private count = 0;
  private readonly reached = new Map<number, () => void>();
  readonly gate = Promise.withResolvers<void>();

  call(): void {
    this.count += 1;
    this.reached.get(this.count)?.();
  }

  /** Resolves with the n-th call. */
  calls(n: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.count >= n) resolve();
      else this.reached.set(n, resolve);
    });
  }
}

const asked = new Map<string, Asked>();

/** A model that does what a line says, `<batch> <mood>`; `hold` waits until the test lets it go or the line is stopped. */
const moody = defineOperation({
  name: "moody",
  async processItem(item: string, ctx) {
    const [batch, mood] = item.split(" ");
    const own = asked.get(batch!)!;
    own.call();
    if (mood === "hold") {
      const stopped = new Promise<never>((_, reject) => {
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error));
      });
      await Promise.race([own.gate.promise, stopped]);
    }
    if (mood === "data") throw Object.assign(new Error("It cannot be read"), { category: "data" });
    if (mood === "down") throw Object.assign(new Error("It is down"), { category: "transient", code: "handler_error" });
    return { result: item };
  },
});

let rig: OpenAiRig;
beforeAll(async () => {
  rig = await openAiRig({ operations: [moody] });
});
afterAll(() => rig.close());

/** Fewer lines are held than run at once, so that every line is asked. */
const moods = fc
  .tuple(fc.array(fc.constantFrom("ok", "ok", "data", "down"), { minLength: 1, maxLength: 60 }), fc.nat({ max: 8 }))
  .chain(([lines, held]) =>
    fc.shuffledSubarray([...lines, ...Array.from({ length: held }, () => "hold")], { minLength: lines.length + held }),
  );
/** The share of the lines that were asked when the batch is cancelled; null = never. */
const cancelAt = fc.option(fc.integer({ min: 0, max: 100 }), { freq: 2 });

let cancelled = 0;
let midway = 0;

it("each custom_id is once in the output or the error file, whatever becomes of the lines and whenever the batch is cancelled", async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(moods, cancelAt, async (lines, share) => {
      const name = `${++count}`;
      const own = new Asked();
      asked.set(name, own);
      const messages = (mood: string) => [{ role: "user", content: `${name} ${mood}` }];
      const created = await rig.create(lines.map((mood, i) => line(`${i}`, "", { body: { model: "moody", messages: messages(mood) } })));
      if (share === null) own.gate.resolve();
      else {
        await own.calls(Math.floor((lines.length * share) / 100));
        // Without a held line it may have ended by now.
        await rig.client.batches.cancel(created.id).catch((error: { status?: number }) => {
          if (error.status !== 409) throw error as Error;
        });
      }
      const batch = await rig.until(created.id, "completed", "cancelled");
      const output = await rig.lines(batch.output_file_id);
      const errors = await rig.lines(batch.error_file_id);
      const { total, completed, failed } = batch.request_counts!;
      const never = errors.filter((each) => each.error?.code === "batch_cancelled");
      if (batch.status === "cancelled") cancelled += 1;
      if (never.length > 0 && never.length < lines.length) midway += 1;
      // Cancelled before its file was read, a batch has no lines.
      const ids = total === 0 ? [] : lines.map((_, i) => `${i}`);
      expect(batch.status === "cancelled" || (total > 0 && never.length === 0)).toBe(true);
      expect([...output, ...errors].map((each) => each.custom_id).sort()).toEqual(ids.sort());
      expect([total, completed, failed]).toEqual([ids.length, output.length, errors.length - never.length]);
      const ends: Record<string, string> = { ok: "200", hold: "200", data: "400", down: "500" };
      for (const { custom_id, response, error } of [...output, ...errors]) {
        const said = response === null ? error!.code : `${response.status_code}`;
        expect([ends[lines[Number(custom_id)]!], "batch_cancelled"]).toContain(said);
      }
      asked.delete(name);
    }),
    { numRuns: 60 },
  );
  expect(cancelled).toBeGreaterThan(5);
  expect(midway).toBeGreaterThan(0);
  console.log(`openai files: ${count} batches, ${cancelled} cancelled, ${midway} of them midway`);
});
