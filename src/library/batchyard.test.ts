import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBatchyard, defineOperation, type Batchyard } from "batchyard";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let data: string;
let yard: Batchyard;
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "batchyard-library-"));
  yard = await createBatchyard({
    data,
    settings: { LOG_LEVEL: "silent" },
    operations: [
      defineOperation({ name: "double", processItem: (item: { n: number }) => ({ result: item.n * 2 }) }),
      defineOperation({ name: "count-outside", external: true }),
    ],
  });
});
afterEach(async () => {
  await yard.close();
  rmSync(data, { recursive: true, force: true });
});

describe("Batchyard", () => {
  it("takes items as they come, in constant memory, and gives results back one by one", async () => {
    async function* items(): AsyncGenerator<{ id: string; n: number }> {
      for (let n = 0; n < 5000; n++) yield { id: `i${n}`, n };
    }
    const { id } = await yard.createBatch({ operation: "double", items: items() });
    expect(await yard.waitForBatch(id)).toMatchObject({ status: "completed", total_items: 5000 });
    let sum = 0;
    for await (const { result } of yard.results(id)) sum += result as number;
    expect(sum).toBe(4999 * 5000);
    expect(await Array.fromAsync(yard.results(id, { nodeId: "i7" }))).toMatchObject([{ nodeId: "i7", result: 14 }]);
  });

  it("groups events of the program by the settings", async () => {
    const sent: { type: string; data: object }[] = [];
    const batcher = yard.eventBatcher({ send: (event) => void sent.push(event) });
    for (let n = 0; n < 11; n++) batcher.add({ type: "JOB_STARTED", data: { job_id: n } });
    await batcher.shutdown();
    expect(sent.map(({ type, data }) => [type, "batch_count" in data ? data.batch_count : 1])).toEqual([
      ["JOBS_BATCH_STARTED", 10],
      ["JOB_STARTED", 1],
    ]);
  });

  it("a yard that could not be opened leaves its directory free", async () => {
    const directory = join(data, "other");
    const twice = ["twice", "twice"].map((name) => defineOperation({ name, external: true }));
    await expect(createBatchyard({ data: directory, operations: twice })).rejects.toMatchObject({ code: "bad_config" });
    const opened = await createBatchyard({ data: directory, settings: { LOG_LEVEL: "silent" } });
    await opened.close();
  });

  it("an option that does not exist, or what is no operation, is refused", async () => {
    const opening = (options: object): Promise<Batchyard> => createBatchyard({ data: join(data, "other"), ...options });
    await expect(opening({ worker: 2 })).rejects.toThrow("did you mean 'workers'?");
    await expect(opening({ logLevel: "debug" })).rejects.toMatchObject({ code: "bad_config" });
    await expect(opening({ operations: [{}] })).rejects.toThrow(
      "An entry of operations is not an operation; make each with defineOperation",
    );
  });

  it("a query of the history that HTTP would refuse is refused", async () => {
    for (const query of [
      { limit: 0 },
      { limit: 101 },
      { limit: "5" },
      { offset: -1 },
      { status: "done" },
      { nmae: "x" },
      { createdAfter: "now" },
    ]) {
      await expect(yard.getBatchHistory(query as object)).rejects.toMatchObject({ code: "validation_failed" });
    }
    expect(await yard.getBatchHistory({ limit: 100, offset: 0, status: "completed", createdAfter: 0 })).toEqual([]);
  });

  it("a cleanup out of bounds removes nothing", async () => {
    const { id } = await yard.createBatch({ operation: "double", items: [{ n: 1 }] });
    await yard.waitForBatch(id);
    for (const days of [0, -1, 1.5, 366, Number.NaN]) {
      await expect(yard.cleanupOldBatches(days)).rejects.toMatchObject({ code: "validation_failed" });
    }
    expect(await yard.getBatch(id)).toMatchObject({ status: "completed" });
  });

  it("a source of items that breaks off leaves no batch", async () => {
    async function* items(): AsyncGenerator<object> {
      for (let n = 0; n < 3000; n++) yield { n };
      throw new Error("the source broke");
    }
    await expect(yard.createBatch({ operation: "double", items: items() })).rejects.toThrow("the source broke");
    expect(await yard.getBatchHistory()).toEqual([]);
  });

  it("watch yields until the end", async () => {
    const { id } = await yard.createBatch({ operation: "double", items: [{ n: 1 }] });
    const updates = await Array.fromAsync(yard.watch(id));
    expect(updates.at(-1)).toEqual({ batchId: id, status: "completed", progress: 100, processed: 1, failed: 0, total: 1 });
  });

  it("waiting ends by its signal, and with the yard", async () => {
    const { id } = await yard.createBatch({ operation: "count-outside", items: [{ id: "a" }] });
    const abort = new AbortController();
    const bySignal = yard.waitForBatch(id, { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(bySignal).rejects.toThrow("enough");
    const [byClose] = await Promise.allSettled([yard.waitForBatch(id), yard.close()]);
    expect(byClose).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
    // Closing twice is closing once.
    await yard.close();
  });

  it("keeps files, which batches read", async () => {
    const file = await yard.saveFile('{"id":"a","n":4}\n{"id":"b","n":5}\n', { name: "numbers.jsonl" });
    expect(file.bytes).toBe(34);
    expect(Buffer.concat(await Array.fromAsync(yard.readFile(file.id))).toString()).toContain('"n":5');
    const { id } = await yard.createBatch({ operation: "double", input: { file_id: file.id } });
    await yard.waitForBatch(id);
    expect((await Array.fromAsync(yard.results(id))).map((result) => result.result)).toEqual([8, 10]);
    await expect(Array.fromAsync(yard.readFile("file_none"))).rejects.toMatchObject({ code: "file_not_found" });
  });

  it("names every fault of a request", async () => {
    await expect(
      yard.createBatch({ operation: "double", items: [{ n: 1 }], options: { concurency: 2, retryAttempts: 99 } }),
    ).rejects.toMatchObject({
      code: "validation_failed",
      errors: expect.arrayContaining([
        expect.objectContaining({ path: "options.concurency", message: expect.stringContaining("did you mean 'concurrency'") as string }),
        expect.objectContaining({ path: "options.retryAttempts", code: "out_of_range" }),
      ]) as unknown,
    });
    await expect(yard.createBatch({ operation: "duble", items: [] })).rejects.toMatchObject({ code: "unknown_operation" });
    await expect(yard.createBatch({ operation: "double", items: [{ id: "a" }, { id: "a" }] })).rejects.toMatchObject({
      code: "duplicate_key",
    });
    await expect(yard.recordResult("batch_0000000000000_aaaaaaaaa", "a", true)).rejects.toMatchObject({ code: "batch_not_found" });
  });
});
