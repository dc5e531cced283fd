import { describe, expect, it } from "vitest";
import type { StoredEvent } from "../../model/event.ts";
import type { Flush } from "./coalescer.ts";
import { DeliveryCheck } from "./delivery-check.ts";
import { wireFrame } from "./frame.ts";

const event = (seq: number, ts = 1_000): StoredEvent => ({
  seq,
  epoch: "e",
  tenant: "t",
  type: "batch.started",
  entity: { kind: "batch", id: `b${seq}` },
  severity: "info",
  ts,
  data: { batch_id: `b${seq}`, n: seq },
});
const flushOf = (base: number, events: StoredEvent[]): Flush => ({
  base,
  end: events.at(-1)!.seq,
  frames: [{ events }],
  events: events.length,
  urgent: false,
});

describe("the check of what is delivered", () => {
  it("finds nothing wrong with events that come in order and go in time", () => {
    const check = new DeliveryCheck();
    check.handed([event(5), event(6)]);
    check.handed([event(7)]);
    check.unaccounted(0);
    const events = [event(5), event(6), event(7)];
    check.flushed(flushOf(4, events), 4);
    check.written(flushOf(4, events), 1_240 - 250);
    check.wired(events, wireFrame({ events }, "core"), "core");
    check.wired(events, wireFrame({ events }, "jobs"), "jobs");
    expect(check.health()).toEqual({
      ok: true,
      lost: { ok: true, checked: 3, missing: 0, out_of_order: 0 },
      payload: { ok: true, checked: 1, wrong: 0 },
      delay: { ok: true, checked: 1, late_p99_ms: 0, late_limit_ms: 150 },
    });
  });

  it("counts the seqs that are missing, come twice, or leave a channel out of order or not at all", () => {
    const check = new DeliveryCheck();
    check.handed([event(5), event(8)]);
    check.handed([event(8)]);
    check.unaccounted(2);
    check.flushed(flushOf(3, [event(5)]), 4);
    expect(check.health()).toMatchObject({ ok: false, lost: { ok: false, checked: 3, missing: 4, out_of_order: 2 } });
  });

  it("takes one merged frame in twenty apart", () => {
    const check = new DeliveryCheck();
    const events = [event(1), event(2)];
    const spoilt = { ...wireFrame({ events }, "core"), data: { batch_count: 2, events: [{ batch_id: "b1", n: 1 }] } };
    for (let n = 0; n < 21; n++) check.wired(events, n === 20 ? spoilt : wireFrame({ events }, "core"), "core");
    check.wired([event(3)], wireFrame({ events: [event(3)] }, "core"), "core");
    expect(check.health()).toMatchObject({ ok: false, payload: { ok: false, checked: 2, wrong: 1 } });
  });

  it("says how late the oldest event of a flush went, beyond its window", () => {
    const check = new DeliveryCheck();
    for (let n = 1; n <= 100; n++) check.written(flushOf(n - 1, [event(n, 1_000)]), n > 98 ? 1_250 : 900);
    expect(check.health()).toMatchObject({ ok: false, delay: { ok: false, checked: 100, late_p99_ms: 250 } });
    for (let n = 101; n <= 300; n++) check.written(flushOf(n - 1, [event(n)]), 1_100);
    expect(check.health().delay.ok).toBe(true);
  });
});
