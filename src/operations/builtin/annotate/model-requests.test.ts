import { afterEach, describe, expect, it } from "vitest";
import type { ItemResult } from "../../../model/item.ts";
import { createTestYard, VirtualClock, type TestYard } from "../../../testing/index.ts";
import type { Answer, Question } from "../../../../test/support/openai-peer/answers.ts";
import { startPeer, type Peer } from "../../../../test/support/openai-peer/peer.ts";

let peer: Peer;
let yard: TestYard;
let asked: Record<string, unknown>[] = [];
const TEXT = "The garden chair is lovely, and Ann likes it.";
const ANNOTATION = {
  description: "A lovely chair.",
  tags: ["garden chair"],
  entities: [{ type: "NAME", value: "Ann" }],
  sentiment: 0.8,
  language: "en",
};

/** Answers in turn; the last one for all that follow. */
async function started(answers: readonly unknown[]): Promise<void> {
  asked = [];
  const left = [...answers];
  const answer = ({ body }: Question): Answer => {
    asked.push(body);
    const next = left.length > 1 ? left.shift() : left[0];
    return { text: typeof next === "string" ? next : JSON.stringify(next) };
  };
  peer = await startPeer({ clock: new VirtualClock(), steps: "poll", answer });
  yard = await createTestYard({
    providers: { vllm: { baseURL: peer.baseURL, models: ["qwen"], batch: true } },
    realMs: 1000,
  });
}
afterEach(async () => {
  await yard.close();
  await peer.close();
});

async function run(options: Record<string, unknown>, item: Record<string, unknown> = { id: "a", text: TEXT }): Promise<ItemResult> {
  const { id } = await yard.createBatch({ operation: "annotate", items: [item], options });
  await yard.runToEnd(id);
  const results = await Array.fromAsync(yard.results(id));
  expect(results).toHaveLength(1);
  return results[0] as ItemResult;
}

describe("annotate by a model", () => {
  it.each([{ provider: "openai" }, { provider: "vllm" }, { executor: "openai" }, { provider: "openai-batch" }])(
    "gives what the local one gives, with %o",
    async (who) => {
      await started([ANNOTATION]);
      expect(await run({ ...who, model: "qwen", temperature: 0.2, maxTokens: 300 })).toMatchObject({
        success: true,
        qualityScore: 1,
        result: { ...ANNOTATION, sentimentLabel: "positive", wordCount: 9, readingTimeSeconds: 3 },
      });
      expect(asked).toEqual([
        expect.objectContaining({
          model: "qwen",
          temperature: 0.2,
          max_tokens: 300,
          response_format: expect.objectContaining({ type: "json_schema" }),
        }),
      ]);
      expect((asked[0]!["messages"] as { content: string }[]).at(-1)!.content).toBe(TEXT);
    },
  );

  it("puts fields of the item into the prompt, and fails an item that lacks one", async () => {
    const schema = { type: "object", properties: { price: { type: "number" } }, required: ["price"] };
    await started([{ price: 12 }]);
    const options = { provider: "openai", model: "qwen", prompt: "What does {{thing.name}} cost?", schema };
    expect(await run(options, { id: "a", thing: { name: "a chair" } })).toMatchObject({ success: true, result: { price: 12 } });
    expect((asked[0]!["messages"] as { content: string }[]).at(-1)!.content).toBe("What does a chair cost?");
    expect(await run(options, { id: "a", name: "a chair" })).toMatchObject({ success: false, errorCode: "unknown_field" });
    expect(asked).toHaveLength(1);
  });

  it("asks once more when the answer does not follow the schema, and pays for both", async () => {
    await started([{ ...ANNOTATION, tags: "garden chair" }, ANNOTATION]);
    expect(await run({ provider: "openai", model: "qwen" })).toMatchObject({ success: true, retries: 1 });
    const days = { fromDay: 0, toDay: 100_000, groupBy: "tenant", limit: 1 } as const;
    const [group] = await yard.parts.store.ledger.sums({ tenant: "default", ...days });
    expect(group!.sums).toMatchObject({ requests: 2, uncounted: 1 });
    expect((await peer.record()).billed).toHaveLength(2);
  });

  it("an answer that never follows the schema is a fault of the data, kept with its score", async () => {
    await started([{ ...ANNOTATION, tags: "garden chair" }]);
    expect(await run({ provider: "openai", model: "qwen" })).toMatchObject({
      success: false,
      errorCode: "schema_mismatch",
      retries: 1,
      error: expect.stringContaining("tags must be array"),
    });
    expect(await run({ provider: "openai", model: "qwen", quality: { retries: 0 } })).toMatchObject({
      success: false,
      retries: 0,
      result: { tags: "garden chair" },
    });
    expect(asked).toHaveLength(3);
  });

  it("scores by the model's own confidence when it is asked for", async () => {
    await started([{ answer: ANNOTATION, confidence: 0.6 }]);
    const result = await run({ provider: "openai", model: "qwen", quality: { confidence: true } });
    expect(result).toMatchObject({ success: true, qualityScore: 0.6, result: ANNOTATION });
  });

  it("refuses providers that are not there, and budgets of tokens without a model", async () => {
    await started([ANNOTATION]);
    const create = (options: Record<string, unknown>) => yard.createBatch({ operation: "annotate", items: [{ text: TEXT }], options });
    await expect(create({ provider: "gpu", model: "qwen" })).rejects.toThrow(/the provider 'gpu' is not configured on this server/);
    await expect(create({ rateLimit: { tokensPerMinute: 10 } })).rejects.toThrow(/counts no tokens/);
  });
});
