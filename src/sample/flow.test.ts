import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Caller } from "../batches/service.ts";
import { loadConfig } from "../config.ts";
import { createYard } from "../main.ts";
import type { Yard } from "../yard.ts";
import { isFinal } from "../model/moves.ts";
import { runSample } from "./flow.ts";
import type { SampleBatch, SampleStep, SampleYard } from "./flow.ts";
import { movieItems, readMovies } from "./movies.ts";

const caller: Caller = { tenant: "default", actor: "test", role: "admin", credential: null, address: null };

function sampleYard(yard: Yard): SampleYard {
  return {
    create: (request, items) => yard.batches.create(caller, request, items),
    async wait(id, progress) {
      let moved = Promise.withResolvers<void>();
      const unsubscribe = yard.events.subscribe(() => moved.resolve());
      try {
        for (;;) {
          const batch: SampleBatch = await yard.batches.get(caller, id);
          progress(batch);
          if (isFinal(batch.status)) return batch;
          await moved.promise;
          moved = Promise.withResolvers();
        }
      } finally {
        unsubscribe();
      }
    },
    results: async (id) => (await yard.batches.results(caller, id, { success: true }, { limit: 10 })).lines,
    async filePath(fileId) {
      const { path, stream } = await yard.files(caller.tenant).open(fileId);
      stream.destroy();
      return path;
    },
  };
}

it("takes 3,201 real films from rows to a report", async () => {
  const data = mkdtempSync(join(tmpdir(), "batchyard-sample-"));
  const yard = await createYard({ config: loadConfig({ BATCHYARD_DATA: data, LOG_LEVEL: "silent" }) });
  try {
    await yard.start();
    const steps: SampleStep[] = [];
    const { batches, reportPath } = await runSample(sampleYard(yard), (step) => steps.push(step));
    expect(
      batches.map(({ operation, status, totalItems, succeeded, failed }) => ({ operation, status, totalItems, succeeded, failed })),
    ).toEqual([
      { operation: "import", status: "completed", totalItems: 3201, succeeded: 3201, failed: 0 },
      // 10 titles that are numbers or missing, 22 release years after 2012, 2 ratings of "Open".
      { operation: "validate", status: "completed", totalItems: 3201, succeeded: 3167, failed: 34 },
      { operation: "transform", status: "completed", totalItems: 3201, succeeded: 3200, failed: 1 },
      { operation: "annotate", status: "completed", totalItems: 3200, succeeded: 3200, failed: 0 },
      { operation: "report", status: "completed", totalItems: 1, succeeded: 1, failed: 0 },
    ]);
    expect(steps[0]).toEqual({ title: "1 of 5: import the films into the collection 'movies'", batch: null });
    const page = readFileSync(reportPath!, "utf8");
    expect(page).toContain("<title>Movies by genre</title>");
    expect(page).toContain("3,201");
  } finally {
    await yard.stop();
    rmSync(data, { recursive: true, force: true });
  }
});

it("gives every film a key of its own", async () => {
  const keys = new Set<string>();
  for await (const block of movieItems()) for (const { key } of block) keys.add(key);
  expect(keys.size).toBe((await readMovies()).length);
});
