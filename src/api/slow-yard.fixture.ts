import { setImmediate as turn } from "node:timers/promises";
import { expect } from "vitest";
import type { z } from "zod";
import type { StoredEvent } from "../model/event.ts";
import { defineOperation } from "../operations/define.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { serve, type Served, type ServedOptions } from "./server.fixture.ts";

export const MINUTE = 60_000;

/** A server with an operation `slow`, whose items take the milliseconds they say on the virtual clock. It is noon of 5 January 2026. */
export async function serveSlow(
  options: ServedOptions = {},
  clock = new VirtualClock({ startsAt: Date.UTC(2026, 0, 5, 12) }),
): Promise<{ served: Served; clock: VirtualClock }> {
  const slow = defineOperation({
    name: "slow",
    description: "Takes its time",
    async processItem(item: Record<string, unknown>, context) {
      await clock.wait(Number(item["ms"] ?? 0), context.signal);
      if (item["fail"] === true) throw new Error("no");
      return { result: null };
    },
  });
  return { clock, served: await serve({ clock, operations: [slow], ...options }) };
}

/** Items for `slow`, the first `failing` of which fail. */
export const slowItems = (count: number, ms: number, failing = 0): object[] =>
  Array.from({ length: count }, (_, n) => ({ id: `i${n}`, ms, ...(n < failing ? { fail: true } : {}) }));

export async function answerOf<T extends z.ZodType>(served: Served, url: string): Promise<z.output<T>> {
  const { status, json } = await served.send({ url });
  expect([status, json["error"]]).toEqual([200, undefined]);
  return json as z.output<T>;
}

export const eventsOf = (served: Served): Promise<StoredEvent[]> => served.yard.store.events.read(0, 100_000, { tenant: "default" });

/** One by one: a reading of what is measured takes real time, and a minute whose predecessor still reads is left out. */
export async function passMinutes(served: Served, clock: VirtualClock, count: number): Promise<void> {
  const sampled = async (): Promise<number> => {
    const range = { tenant: "default", from: 0, to: clock.now() + MINUTE, sources: ["gauge:"] };
    return (await served.yard.store.monitor.measured(range, "gauge.queue_limit", null)).reduce((sum, { sketch }) => sum + sketch.count, 0);
  };
  for (let n = 0; n < count; n++) {
    const before = await sampled();
    await clock.advance(MINUTE);
    while ((await sampled()) === before) await turn();
  }
}
