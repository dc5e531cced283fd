import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { numbered } from "../support/fates.ts";
import { folders } from "../support/folder.ts";
import { faultsOf, recount } from "../support/recount.ts";
import { finished, batchyard, serve } from "../support/served.ts";

const ITEMS = 5000;
const HOUR_MS = 3_600_000;
const newFolder = folders();

describe("a backup made while a batch runs", () => {
  it("restores to a store that finishes the batch on its own, and does not disturb the one it was made of", async () => {
    const folder = newFolder();
    const [data, copy, restored] = [join(folder, "data"), join(folder, "copy.db"), join(folder, "restored")];
    const gate = { file: join(folder, "gate"), from: ITEMS / 2 };
    const served = await serve(data);
    const { id } = await served.client.create(
      { operation: "steady", options: { workMs: 20, retryBackoffMs: 10, timeout: HOUR_MS, gate } },
      numbered(0, ITEMS).map((item) => ({ ...item })),
    );
    for await (const { processed } of served.client.watch(id)) if (processed > ITEMS / 10) break;
    const backup = batchyard(["backup", copy, "--data", data]);
    expect(await backup.ended).toEqual({ code: 0, signal: null });
    writeFileSync(gate.file, "");
    await finished(served.client, id);
    expect(await served.child.end("SIGTERM")).toEqual({ code: 0, signal: null });

    mkdirSync(restored);
    copyFileSync(copy, join(restored, "batchyard.db"));
    rmSync(gate.file);
    const again = await serve(restored);
    // It was made in the middle of the work.
    const standing = await again.client.get(id);
    expect(standing.status).toBe("running");
    expect(standing.processed_items).toBeGreaterThan(0);
    writeFileSync(gate.file, "");
    await finished(again.client, id);
    expect(await again.child.end("SIGTERM")).toEqual({ code: 0, signal: null });
    for (const place of [data, restored]) {
      const { stored, findings } = await recount(place);
      expect(findings).toEqual([]);
      expect(faultsOf(stored[0]!, 0, ITEMS, true)).toEqual([]);
    }
  });
});
