import { expect, it } from "vitest";
import type { StoredEvent } from "../../model/event.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { DeliveryDelays } from "./delivery-delays.ts";

it("tells how late the last minute or two were, and forgets what was before", async () => {
  const clock = new VirtualClock();
  const delays = new DeliveryDelays(clock);
  const event = (late: number): StoredEvent => ({
    seq: 1,
    epoch: "e",
    tenant: "t",
    type: "batch.started",
    entity: { kind: "batch", id: "b" },
    severity: "info",
    ts: clock.now() - late,
    data: {},
  });
  expect(delays.percentiles()).toEqual({ p50: null, p99: null });
  delays.record([{ events: [event(0), event(20)] }, { events: [event(20), event(300)] }]);
  expect(delays.percentiles()).toEqual({ p50: 20, p99: expect.closeTo(300, -1) as number });
  await clock.advance(60_000);
  delays.record([{ events: [event(40)] }]);
  expect(delays.percentiles()).toMatchObject({ p99: expect.closeTo(300, -1) as number });
  await clock.advance(60_000);
  expect(delays.percentiles()).toMatchObject({ p50: 40, p99: 40 });
  await clock.advance(120_000);
  expect(delays.percentiles()).toEqual({ p50: null, p99: null });
});
