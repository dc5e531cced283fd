import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cleanup } from "./cleanup.ts";
import { all, FIXTURE_NOW, openServices } from "../services.fixture.ts";
import type { ServicesFixture } from "../services.fixture.ts";

let fixture: ServicesFixture;
beforeEach(() => {
  fixture = openServices();
});
afterEach(() => fixture.close());

const DAY_MS = 86_400_000;

describe("cleanup", () => {
  it("removes records that were not updated for so long, in steps", async () => {
    const rows = Array.from({ length: 2500 }, (_, index) => ({ key: `k${index}`, data: {}, writer: null }));
    await fixture.services.records.put("old", rows, "insert");
    await fixture.services.records.put("other", rows.slice(0, 1), "insert");
    const run = (daysToKeep: number, laterDays: number) => {
      const later = { ...fixture.services, now: () => FIXTURE_NOW + laterDays * DAY_MS };
      return cleanup.processItem!(null as never, fixture.context({ daysToKeep, collection: "old" }, { services: later }));
    };
    expect(await run(30, 29)).toEqual({ result: { deleted: 0 } });
    expect(await run(30, 31)).toEqual({ result: { deleted: 2500 } });
    expect(await fixture.services.records.get("other", "k0")).not.toBeNull();
  });

  it("removes finished batches when no collection is named", async () => {
    expect(await cleanup.processItem!(null as never, fixture.context(cleanup.options.parse({ daysToKeep: 7 })))).toEqual({
      result: { deleted: 7 },
    });
    expect(fixture.removals).toEqual([FIXTURE_NOW - 7 * DAY_MS]);
  });

  it("plans one item and takes none", async () => {
    const options = cleanup.options.parse({ daysToKeep: 1 });
    const planned = await cleanup.plan!({ options, items: null, input: null, filters: {} }, fixture.services);
    expect(await all(planned)).toEqual([{ key: "cleanup", text: '{"daysToKeep":1}' }]);
    await expect(cleanup.plan!({ options, items: null, input: { collection: "x" }, filters: {} }, fixture.services)).rejects.toThrow(
      "cleanup takes no items",
    );
    expect(cleanup.options.parse({})).toEqual({ daysToKeep: 30 });
    for (const daysToKeep of [0, 366, 1.5, "30"]) expect(cleanup.options.safeParse({ daysToKeep }).success).toBe(false);
  });
});
