import { Readable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { defineOperation } from "../operations/define.ts";
import { createTestYard, type TestYard } from "../testing/index.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const echo = defineOperation({ name: "echo", processItem: (item) => ({ result: item }) });

/** Nothing here hangs, and a disk may take its time. */
const realMs = 60_000;

let yard: TestYard;
afterEach(() => yard.close());

describe("retention", () => {
  it("removes what ended longer ago than its days, with everything of it, and never unfinished work", async () => {
    yard = await createTestYard({ realMs, operations: [echo], settings: { BATCH_RETENTION_DAYS: "2" } });
    const old = await yard.createBatch({ operation: "echo", items: [{ id: "a" }] });
    const unfinished = await yard.createBatch({ operation: "echo", total_items: 5, options: { executor: "external" } });
    await yard.runToEnd(old.id);
    await yard.advance(DAY_MS);
    const recent = await yard.createBatch({ operation: "echo", items: [{ id: "b" }] });
    await yard.runToEnd(recent.id);
    expect(await yard.getBatchHistory()).toHaveLength(3);

    await yard.advance(DAY_MS + HOUR_MS);

    expect((await yard.getBatchHistory()).map((batch) => batch.id)).toEqual([recent.id, unfinished.id]);
    await expect(yard.getBatch(old.id)).rejects.toMatchObject({
      code: "batch_removed",
      message: expect.stringContaining("retention.batches_days = 2") as string,
    });
    expect((await yard.getBatch(unfinished.id)).status).toBe("pending");
    const { findings } = await yard.parts.store.upkeep.verify({ rebuild: false });
    expect(findings).toEqual([]);
  });

  it("removes expired files and keeps the others", async () => {
    yard = await createTestYard({ realMs });
    const files = yard.parts.files("default");
    const save = (name: string, expiresAt?: number) =>
      files.save(Readable.from([Buffer.from("x")]), { name, contentType: "text/plain", expiresAt });
    const passing = await save("passing.txt", yard.clock.now() + HOUR_MS);
    const staying = await save("staying.txt");
    await yard.advance(2 * HOUR_MS);
    await expect(files.get(passing.id)).rejects.toMatchObject({ code: "file_not_found" });
    expect((await files.get(staying.id)).name).toBe("staying.txt");
  });

  it.each(["BATCH_MONITORING_RETENTION_DAYS", "BATCH_RETENTION_DAYS"])("trims the arrival log after %s", async (name) => {
    yard = await createTestYard({ realMs, settings: { [name]: "2" } });
    const { store, streams } = yard.parts;
    const caller = { tenant: "default", actor: "test", role: "admin", credential: null, address: null } as const;
    const blocks = async (): Promise<number> => {
      const found: Uint8Array[] = [];
      for await (const block of store.impact.blocks("default", "detections", { from: 0, to: Infinity })) found.push(block);
      return found.length;
    };
    await streams.offer(caller, "detections", ['{"camera_id":"gate","detection_id":1}'], 0);
    await yard.advance(2 * DAY_MS - HOUR_MS);
    expect(await blocks()).toBe(1);
    await yard.advance(2 * HOUR_MS);
    // A round also looks at the disk, which takes real time: the next one comes when it is done.
    for (let rounds = 0; (await blocks()) > 0; rounds++) {
      expect(rounds).toBeLessThan(100);
      await yard.advance(HOUR_MS / 6);
    }
  });

  it("keeps what happened by the minute for three days, by the hour twice as long as the setting says, and all of it by the day", async () => {
    yard = await createTestYard({
      realMs,
      operations: [echo],
      settings: { BATCH_MONITORING_RETENTION_DAYS: "5", BATCH_RETENTION_DAYS: "2" },
    });
    const { monitor, channels } = yard.parts.store;
    const start = yard.clock.now();
    await yard.runToEnd((await yard.createBatch({ operation: "echo", items: [{ id: "a" }], options: { notifyOnComplete: ["log"] } })).id);
    const told = async () => (await channels.deliveries("default", ["log"]))[0]!.last;
    const points = async (from: number): Promise<number[]> => {
      const range = { tenant: "default", from, to: from + 1, sources: ["operation:echo"], metrics: ["items.succeeded"] };
      return (await monitor.flow(range, null)).map(({ value }) => value);
    };
    const day = start - (start % DAY_MS);
    const later = day + HOUR_MS + 30 * 60_000;
    await yard.advance(2 * DAY_MS);
    expect(await points(start)).toEqual([1]);
    expect(await points(later - (later % HOUR_MS) + 60_000)).toEqual([]);
    const until = async (gone: () => Promise<boolean>): Promise<void> => {
      // A round also looks at the disk, which takes real time: the next one comes when it is done.
      for (let rounds = 0; !(await gone()); rounds++) {
        expect(rounds).toBeLessThan(100);
        await yard.advance(HOUR_MS / 6);
      }
    };
    await yard.advance(2 * DAY_MS);
    // A minute beside it stands for its hour now, an hour beside it does not yet.
    await until(async () => (await points(start + 5 * 60_000)).length > 0);
    expect(await points(start + 2 * HOUR_MS)).toEqual([]);
    expect((await told())?.createdAt).toBe(start);
    await yard.advance(3 * DAY_MS);
    await until(async () => (await told()) === null);
    // The time before, which figures are compared with.
    expect(await points(start + 2 * HOUR_MS)).toEqual([]);
    await yard.advance(6 * DAY_MS);
    await until(async () => (await points(start + 2 * HOUR_MS)).length > 0);
    expect(await points(start)).toEqual([1]);
    const [whole] = await monitor.jobs({ tenant: "default", from: day, to: day + DAY_MS }, null);
    expect(whole?.totals.jobs).toBe(1);
  });

  it("trims events older than a day, but never the newest, so that cursors stay comparable", async () => {
    yard = await createTestYard({ realMs, operations: [echo] });
    await yard.runToEnd((await yard.createBatch({ operation: "echo", items: [{ id: "a" }] })).id);
    const last = yard.parts.events.lastSeq();
    await yard.advance(2 * DAY_MS);
    expect(await yard.parts.events.firstSeq()).toBe(last);
  });
});
