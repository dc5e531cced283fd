import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ADAPTERS, type Opened } from "../../test/contract/store/adapters.ts";
import { OK, failed as fails, Rig } from "../../test/contract/store/rig.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { StatisticsBroadcast } from "./broadcast.ts";

const MINUTE = 60_000;
let opened: Opened;
let rig: Rig;
const clock = new VirtualClock({ startsAt: Date.UTC(2026, 0, 10, 0, 1) });
const faults: unknown[] = [];
/** How far the clock of the machine is off, milliseconds. */
let ahead = 0;
/** How much too soon its timers ring. */
let early = 0;

beforeEach(async () => {
  opened = await ADAPTERS[0]!.open();
  rig = new Rig(opened);
});
afterEach(async () => {
  await opened.close();
  expect(faults).toEqual([]);
});

const begin = (): StatisticsBroadcast => {
  const broadcast = new StatisticsBroadcast({
    store: rig.store,
    clock: {
      now: () => clock.now() + ahead,
      elapsed: () => clock.elapsed(),
      after: (ms, fire) => clock.after(Math.max(1, ms - early), fire),
    },
    tenants: async () => ["acme"],
    slots: () => 4,
    failed: (error) => void faults.push(error),
  });
  broadcast.start();
  return broadcast;
};

describe("statistics", () => {
  it("are told once every five minutes to the moment, also over restarts", async () => {
    rig.now = clock.now();
    const batch = await rig.create([["a", "b"]]);
    await rig.commit(await rig.claim(batch), { a: OK, b: fails() });
    let broadcast = begin();
    await clock.advance(4 * MINUTE);
    // A restart within the same moment does not tell again.
    await broadcast.stop();
    await rig.reopen();
    broadcast = begin();
    await clock.advance(12 * MINUTE);
    await broadcast.stop();
    const events = await rig.store.events.read(0, 100, { entity: "statistics" });
    expect(events.map(({ ts }) => new Date(ts).toISOString().slice(11, 16))).toEqual(["00:05", "00:10", "00:15"]);
    expect(events[0]).toMatchObject({
      type: "worker.statistics",
      data: { minutes: 5, slots: 4, pending: 0, running: 0, batches_completed: 1, items_succeeded: 1, items_failed: 1 },
    });
    expect(events[1]!.data).toMatchObject({ batches_completed: 0, items_succeeded: 0 });
  });

  it("are told once, and of the right moment, by timers that ring a millisecond early", async () => {
    early = 1;
    const from = clock.now() - (clock.now() % (5 * MINUTE));
    const broadcast = begin();
    await clock.advance(10 * MINUTE);
    await broadcast.stop();
    early = 0;
    const told = await rig.store.events.read(0, 100, { entity: "statistics" });
    expect(told.map(({ ts }) => (ts - from) / MINUTE)).toEqual([5, 10]);
  });

  it("go on when the clock was set back", async () => {
    let broadcast = begin();
    await clock.advance(10 * MINUTE);
    ahead = -60 * MINUTE;
    const from = clock.now() + ahead;
    await clock.advance(10 * MINUTE);
    await broadcast.stop();
    await rig.reopen();
    broadcast = begin();
    await clock.advance(5 * MINUTE);
    await broadcast.stop();
    const told = (await rig.store.events.read(0, 100, { entity: "statistics" })).filter(({ ts }) => ts >= from && ts <= from + 15 * MINUTE);
    expect(told.map(({ ts }) => (ts - from) / MINUTE)).toHaveLength(3);
    ahead = 0;
  });
});
