import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serve, type Served } from "../api/server.fixture.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";

const second = 1_000;
let clock: VirtualClock;
let served: Served;

beforeEach(async () => {
  clock = new VirtualClock();
  served = await serve({ clock });
});
afterEach(() => served.close());

const ask = async (method: "GET" | "POST" | "PUT" | "PATCH", url: string, payload?: object, headers: Record<string, string> = {}) => {
  const answer = await served.send({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  return { status: answer.status, headers: answer.headers, ...(answer.json as Record<string, unknown>) } as Record<string, unknown> & {
    status: number;
    headers: Record<string, unknown>;
  };
};
const limits = (queue: object) => ask("PATCH", "/api/v1/settings", { queue });
/** Waits until somebody outside leases it: nobody does. */
const waiting = { operation: "echo", items: [{ id: "1" }], options: { executor: "external" } };
const pressure = async () => [
  ((await ask("GET", "/api/queues/status"))["summary"] as { backpressure: object; overall_status: string }).overall_status,
  (await ask("GET", "/api/system/pipeline"))["backpressure"],
];
const open = async (stream: string) => (await ask("GET", `/api/streams/${stream}/windows`))["total"];

describe("as many batches as may wait", () => {
  it("creating is refused with Retry-After, for this tenant alone, until some have moved on", async () => {
    await limits({ max_size: 2, backpressure_threshold: 1 });
    expect(await pressure()).toEqual(["healthy", { state: "normal", waiting: 0, threshold: 2, max_size: 2 }]);
    const first = await served.create(waiting);
    await served.create(waiting);
    expect(await pressure()).toEqual(["critical", { state: "full", waiting: 2, threshold: 2, max_size: 2 }]);
    const refused = await ask("POST", "/api/batch/create", waiting);
    expect(refused).toMatchObject({ status: 503, code: "queue_full", headers: { "retry-after": "5" } });
    expect(await ask("GET", "/api/batch/history")).toMatchObject({ total: 2 });
    const other = { authorization: `Bearer ${await served.key("admin", "other")}` };
    expect(await ask("POST", "/api/batch/create", waiting, other)).toMatchObject({ status: 201 });
    await ask("POST", `/api/batch/${first}/cancel`);
    expect(await ask("POST", "/api/batch/create", waiting)).toMatchObject({ status: 201 });
  });

  it("items of streams are refused as they are, and taken when there is room", async () => {
    await ask("PUT", "/api/streams/orders", { operation: "echo", windowSeconds: 10 });
    await limits({ max_size: 1 });
    const first = await served.create(waiting);
    const one = await ask("POST", "/api/streams/orders/items", { id: "a" });
    expect(one).toMatchObject({ status: 503, code: "queue_full", headers: { "retry-after": "5" } });
    expect(await ask("POST", "/api/streams/orders/items", [{ id: "a" }, { id: "b" }])).toMatchObject({ status: 503 });
    expect(await open("orders")).toBe(0);
    await ask("POST", `/api/batch/${first}/cancel`);
    expect(await ask("POST", "/api/streams/orders/items", { id: "a" })).toMatchObject({ status: 202, accepted: 1 });
  });
});

describe("above the threshold", () => {
  it("windows hold and keep what they have; they close when enough have moved on, with their true reason", async () => {
    await ask("PUT", "/api/streams/orders", { operation: "echo", windowSeconds: 10, maxItems: 3 });
    await ask("PUT", "/api/streams/timed", { operation: "echo", schedule: "* * * * *" });
    await limits({ max_size: 10, backpressure_threshold: 0.2 });
    const ids = [await served.create(waiting), await served.create(waiting)];
    expect(await pressure()).toEqual(["warning", { state: "warning", waiting: 2, threshold: 2, max_size: 10 }]);
    await ask("POST", "/api/streams/orders/items", { id: "a" });
    await ask("POST", "/api/streams/timed/items", { id: "x" });
    await clock.advance(120 * second);
    expect([await open("orders"), await open("timed")]).toEqual([1, 1]);
    // An item that comes to an overdue window joins it; size still closes.
    expect(await ask("POST", "/api/streams/orders/items", { id: "b" })).toMatchObject({ status: 202 });
    expect(await open("orders")).toBe(1);
    await ask("POST", `/api/batch/${ids[0]!}/cancel`);
    await clock.advance(2 * second);
    expect([await open("orders"), await open("timed")]).toEqual([0, 0]);
    expect(await ask("GET", "/api/batch/history?stream=orders")).toMatchObject({ batches: [{ close_reason: "timeout", total_items: 2 }] });
    expect(await ask("GET", "/api/batch/history?stream=timed")).toMatchObject({ batches: [{ close_reason: "schedule", total_items: 1 }] });
  });
});

describe("queues of operations", () => {
  it.each([
    [{ warning_depth: 2 }, 2, 0, "warning"],
    [{ warning_depth: 1, critical_depth: 2 }, 2, 0, "critical"],
    [{ warning_wait_seconds: 10 }, 1, 10, "warning"],
    [{ warning_wait_seconds: 10, critical_wait_seconds: 20 }, 1, 20, "critical"],
    [{}, 1, 149, "healthy"],
    [{}, 1, 150, "warning"],
    [{}, 1, 300, "critical"],
  ])("with %j, %d batches and %d s: %s", async (queue, batches, seconds, expected) => {
    await limits(queue);
    for (let i = 0; i < batches; i++) await served.create(waiting);
    await clock.skipTo(clock.now() + seconds * second);
    expect(await ask("GET", "/api/queues/status")).toMatchObject({
      queues: [{ name: "echo", depth: batches, status: expected }],
      summary: { overall_status: expected },
    });
  });
});
