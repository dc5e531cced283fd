import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EventDraft } from "../../model/event.ts";
import { serve, type Served } from "../server.fixture.ts";

interface Page {
  events: { seq: number; cursor: string; type: string; severity: string; timestamp: string; entity: { kind: string; id: string } }[];
  cursor: string;
  end: boolean;
  reset: boolean;
  begins: string | null;
}

const START = Date.parse("2036-01-01T00:00:00Z");
const MINUTES = 30;
let served: Served;

const read = async (query = "", headers: Record<string, string> = {}): Promise<Page> =>
  (await served.send({ method: "GET", url: `/api/events/log${query}`, headers })).json as unknown as Page;
const minutes = ({ events }: Page): number[] => events.map((event) => (Date.parse(event.timestamp) - START) / 60_000);

/** One event a minute, every fifth critical, one of another tenant beside each. */
beforeAll(async () => {
  served = await serve();
  const drafts = Array.from({ length: MINUTES }, (_, i): EventDraft[] =>
    ["default", "other"].map((tenant) => ({
      tenant,
      type: i % 5 === 4 ? "batch.failed" : i % 2 === 0 ? "batch.created" : "stream.paused",
      entity: { kind: "thing", id: `${tenant}-${i}` },
      severity: i % 5 === 4 ? "critical" : "info",
      ts: START + i * 60_000,
      data: { i },
    })),
  );
  const handed = new Promise<void>((resolve) => {
    const stop = served.yard.events.subscribe((events) => {
      if (!events.some((event) => event.entity.id === `other-${MINUTES - 1}`)) return;
      stop();
      resolve();
    });
  });
  await served.yard.store.events.append(drafts.flat());
  await handed;
});
afterAll(() => served.close());

describe("the log, page by page", () => {
  it("begins with the newest, and says where to go on", async () => {
    const page = await read("?limit=4&types=batch.*,stream.paused");
    expect(minutes(page)).toEqual([26, 27, 28, 29]);
    expect(page).toMatchObject({ end: true, reset: false });
    expect((await read(`?since=${page.cursor}`)).events).toEqual([]);
  });

  it("begins at a time and goes on by cursor, each event once", async () => {
    const seen: number[] = [];
    let page = await read("?from=2036-01-01T00:09:30Z&types=batch.*,stream.paused&limit=7");
    for (;;) {
      seen.push(...minutes(page));
      if (page.end) break;
      page = await read(`?since=${page.cursor}&types=batch.*,stream.paused&limit=7`);
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => 10 + i));
    const exact = await read("?from=2036-01-01T00:10:00Z&limit=1");
    expect(minutes(exact)).toEqual([10]);
    expect((await read("?from=2046-01-01")).events).toEqual([]);
  });

  it("narrows by type and severity", async () => {
    expect(minutes(await read("?severity=critical"))).toEqual([4, 9, 14, 19, 24, 29]);
    expect(minutes(await read("?severity=warning,critical&types=stream.*"))).toEqual([]);
    expect(new Set((await read("?types=stream.*&from=2036-01-01")).events.map(({ type }) => type))).toEqual(new Set(["stream.paused"]));
  });

  it("shows no other tenant's events", async () => {
    const headers = { authorization: `Bearer ${await served.key("viewer", "third")}` };
    expect((await read("?from=2036-01-01", headers)).events).toEqual([]);
    const { events } = await read("?from=2036-01-01&types=batch.*");
    expect(events.every(({ entity }) => entity.id.startsWith("default-"))).toBe(true);
  });

  it("says so when the log no longer has what follows, or is another one", async () => {
    const [epoch] = (await read()).cursor.split(".");
    await served.yard.store.events.trim({ before: START + 5 * 60_000, keep: 1_000 });
    const page = await read(`?since=${epoch}.1&types=batch.*,stream.paused`);
    expect(page).toMatchObject({ reset: true, begins: "2036-01-01T00:05:00.000Z" });
    expect(minutes(page)[0]).toBe(5);
    expect(await read("?since=elsewhere.4")).toMatchObject({ reset: true });
  });

  it("refuses a time and a cursor together, and a severity that is none", async () => {
    for (const query of ["?from=2036-01-01&since=a.1", "?severity=loud"])
      expect((await served.send({ method: "GET", url: `/api/events/log${query}` })).status).toBe(400);
  });
});
