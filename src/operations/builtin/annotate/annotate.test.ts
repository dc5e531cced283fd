import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import type { HandlerContext, HandlerResult } from "../../operation.ts";
import { annotate } from "./annotate.ts";
import type { Annotation } from "./annotation.ts";
import { annotationQuality } from "./annotation.ts";
import { keywords } from "./keywords.ts";
import type { AnnotateOptions } from "./options.ts";

async function run(payload: unknown, options: Record<string, unknown> = {}): Promise<{ annotation: Annotation; qualityScore: number }> {
  const ctx = { options: annotate.options.parse(options) } as HandlerContext<AnnotateOptions>;
  const { result, qualityScore } = await annotate.processItem!(payload as never, ctx);
  return { annotation: result as Annotation, qualityScore: qualityScore! };
}

describe("annotate", () => {
  it("finds keywords, entities, sentiment and language in English", async () => {
    const { annotation, qualityScore } = await run({
      id: "17",
      review:
        "I love this wonderful camera. The camera arrived on July 18, 2024 and cost $533. Christopher Nolan could film with it. Write to ann@example.org!",
    });
    expect(annotation.language).toBe("en");
    expect(annotation.tags).toEqual(expect.arrayContaining(["wonderful camera", "christopher nolan"]));
    expect(annotation.entities).toEqual(
      expect.arrayContaining([
        { type: "DATE", value: "July 18, 2024" },
        { type: "MONEY", value: "$533" },
        { type: "EMAIL", value: "ann@example.org" },
        { type: "NAME", value: "Christopher Nolan" },
      ]),
    );
    expect(annotation.entities).not.toContainEqual({ type: "NAME", value: "July" });
    expect(annotation.sentimentLabel).toBe("positive");
    expect(annotation.sentiment).toBeGreaterThan(0.05);
    expect(annotation.readingTimeSeconds).toBe(Math.ceil((annotation.wordCount / 238) * 60));
    expect(annotation.description).toBe("I love this wonderful camera.");
    expect(qualityScore).toBe(annotationQuality(1, annotation.wordCount, annotation.tags.length));
    expect((await run("I hate this terrible phone. It broke and support is awful.")).annotation.sentimentLabel).toBe("negative");
  });

  it.each([
    ["de", "German", "Das Wetter ist heute sehr schön und wir gehen spazieren."],
    ["fr", "French", "Le chat noir dort tranquillement sur le canapé du salon."],
    ["ja", "Japanese", "これはとても良い製品です。"],
    ["ru", "Russian", "Это очень хороший продукт, мне нравится."],
  ])("says so when a text is %s and invents nothing", async (code, name, text) => {
    const { annotation, qualityScore } = await run({ text });
    expect(annotation).toMatchObject({ language: code, tags: [], entities: [], sentiment: null, sentimentLabel: null });
    expect(annotation.notes![0]).toContain(`The text is in ${name}`);
    expect(qualityScore).toBeLessThanOrEqual(0.35);
  });

  it("says when it cannot tell, and when it cut", async () => {
    expect((await run("ok")).annotation).toMatchObject({ language: "und", notes: [expect.stringContaining("too short")] });
    const { annotation } = await run(`${"The quick brown fox jumps over the lazy dog. ".repeat(600)}`);
    expect(annotation.notes).toContain("Only the first 20000 characters were read");
    expect(annotation.description).toBe("The quick brown fox jumps over the lazy dog.");
  });

  it("reads the fields named, or all texts but the key, and fails items without one", async () => {
    expect((await run({ title: "Green garden chair", note: "Broken blue table" }, { fields: ["title"] })).annotation.tags).toEqual([
      "green garden chair",
    ]);
    expect((await run({ tags: ["garden chair", "table"] })).annotation.tags).toEqual(["garden chair", "table"]);
    const named = { nodeId: "Garden chair", id: "Blue table", custom_id: "Red barn", note: "Green lamp" };
    expect((await run(named)).annotation.tags).toEqual(["green lamp"]);
    expect((await run(named, { fields: ["id"] })).annotation.tags).toEqual(["blue table"]);
    for (const payload of [{ id: "Garden chair" }, {}, { n: 5, date: "2024-01-01", url: "https://example.org/x" }, null, [1], 7]) {
      await expect(run(payload)).rejects.toMatchObject({ code: "no_text", category: "data" });
    }
    await expect(run({ title: "Chair" }, { fields: ["toString", "body"] })).rejects.toThrow(
      "None of the fields 'toString', 'body' has text",
    );
  });

  it("takes the options of other providers, and says they do nothing", () => {
    const options = annotate.options.parse({ model: "gpt-4o-mini", temperature: 0.7, maxTokens: 500 });
    expect(annotate.check!(options)).toEqual([]);
    expect(annotate.warnings!(options)).toEqual([
      "model has no effect with provider local",
      "temperature has no effect with provider local",
      "maxTokens has no effect with provider local",
    ]);
  });

  it("refuses what it cannot do", () => {
    const faults = (options: Record<string, unknown>, executor?: string) =>
      annotate.check!(annotate.options.parse(options), executor).map(({ path, code }) => [path, code]);
    expect(faults({ provider: "openai" })).toEqual([["model", "required"]]);
    expect(faults({}, "openai")).toEqual([["model", "required"]]);
    expect(faults({ provider: "vllm", model: "m" }, "openai-batch")).toEqual([["provider", "not_supported"]]);
    expect(faults({ provider: "openai", model: "m" }, "handler")).toEqual([["provider", "invalid_value"]]);
    const bad = { provider: "openai", model: "m", prompt: "{{a", schema: { type: "nothing" }, quality: {} };
    expect(faults(bad)).toEqual([
      ["prompt", "invalid_expression"],
      ["schema", "invalid_schema"],
    ]);
    expect(faults({ provider: "openai", model: "m", quality: { confidense: true } })).toEqual([["quality.confidense", "unknown_field"]]);
    expect(annotate.check!(annotate.options.parse({ schema: { type: "object" } }))).toEqual([
      expect.objectContaining({ path: "schema", code: "not_with_local" }),
    ]);
    expect(annotate.options.safeParse({ prioritty: 1 }).success).toBe(false);
  });

  it("runs in a worker thread", async () => {
    const code = `const { parentPort, workerData } = require("node:worker_threads");
      import(workerData).then(({ processItem }) => processItem({ text: "A red garden chair" }, { options: {} })).then((answer) => parentPort.postMessage(answer));`;
    const worker = new Worker(code, { eval: true, workerData: annotate.thread!.href });
    const [answer] = (await once(worker, "message")) as [HandlerResult];
    expect(answer.result).toMatchObject({ tags: ["red garden chair"], language: "en" });
    await worker.terminate();
  });
});

describe("keywords", () => {
  const tagged = (text: string) =>
    text.split(" ").map((part) => {
      const [word, pos] = part.split("/");
      return { word: word!, pos: pos!, stop: false };
    });

  it("ranks phrases by degree over frequency, and leaves out parts of better ones", () => {
    const words = tagged("linear/ADJ systems/NOUN of/ADP linear/ADJ equations/NOUN and/CCONJ systems/NOUN are/AUX nice/ADJ");
    expect(keywords(words, 5)).toEqual(["linear equations", "linear systems"]);
  });

  it("keeps the head of a long run", () => {
    expect(keywords(tagged("very/ADJ big/ADJ old/ADJ red/ADJ barn/NOUN"), 5)).toEqual(["old red barn"]);
  });
});
