import { expect, it } from "vitest";
import { folders } from "../support/folder.ts";
import { serve, type Served } from "../support/served.ts";

const KILLS = 4;
const CLIENTS = 8;
const POSTS_BEFORE_A_KILL = 120;

const newFolder = folders();

async function json(served: Served, path: string, init?: RequestInit): Promise<Record<string, unknown>> {
  const answer = await served.send(path, { ...init, headers: { "content-type": "application/json" } });
  return (await answer.json()) as Record<string, unknown>;
}

it(`kill -9 while ${CLIENTS} clients post: what was answered is in a window or a batch, once, and windows keep their start`, async () => {
  const data = newFolder();
  const accepted = new Map<string, string>();
  const starts = new Map<string, string>();
  let count = 0;
  for (let kill = 0; kill <= KILLS; kill++) {
    const served = await serve(data, { env: { BATCHYARD_WORKERS: "0" } });
    if (kill === 0)
      await json(served, "/api/streams/s", {
        method: "PUT",
        body: JSON.stringify({ operation: "transform", options: { expression: "id" }, keyField: "k", maxItems: 50 }),
      });
    const { windows } = (await json(served, "/api/streams/s/windows")) as { windows: { batch_id: string; opened_at: string }[] };
    for (const { batch_id, opened_at } of windows) {
      expect(starts.get(batch_id) ?? opened_at).toBe(opened_at);
      starts.set(batch_id, opened_at);
    }
    if (kill < KILLS) {
      let posted = 0;
      const client = async (): Promise<void> => {
        for (;;) {
          const id = String(++count);
          try {
            const answer = await served.send("/api/streams/s/items", {
              method: "POST",
              headers: { "content-type": "application/json" },
              body: JSON.stringify({ k: `key${count % 3}`, id }),
            });
            if (answer.status !== 202) throw new Error(await answer.text());
            const { items } = (await answer.json()) as { items: { batchId: string }[] };
            accepted.set(id, items[0]!.batchId);
          } catch {
            return;
          }
          // The others have posts under way at that moment.
          if (++posted === POSTS_BEFORE_A_KILL) served.child.kill("SIGKILL");
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, client));
      await served.child.ended;
      continue;
    }
    await json(served, "/api/streams/s/flush", { method: "POST" });
    const held = new Map<string, string>();
    for (let offset = 0; ; offset += 100) {
      const { batches } = (await json(served, `/api/batch/history?stream=s&limit=100&offset=${offset}`)) as {
        batches: { id: string; total_items: number }[];
      };
      for (const batch of batches) held.set(batch.id, String(batch.total_items));
      if (batches.length < 100) break;
    }
    const perBatch = new Map<string, number>();
    for (const batchId of accepted.values()) perBatch.set(batchId, (perBatch.get(batchId) ?? 0) + 1);
    for (const [batchId, items] of perBatch) expect(Number(held.get(batchId) ?? 0)).toBeGreaterThanOrEqual(items);
    // Posts without an answer may or may not have been taken; nothing else may be there.
    const total = [...held.values()].reduce((sum, items) => sum + Number(items), 0);
    expect(total).toBeGreaterThanOrEqual(accepted.size);
    expect(total).toBeLessThanOrEqual(accepted.size + KILLS * CLIENTS);
    await served.child.end("SIGTERM");
  }
  expect(accepted.size).toBeGreaterThan(KILLS * POSTS_BEFORE_A_KILL * 0.9);
});
