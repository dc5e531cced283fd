import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serve, type Served } from "../api/server.fixture.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";

/** The table of window.test.ts and changed settings once more, over HTTP, with time that stands still until a test moves it. */

const second = 1_000;
let clock: VirtualClock;
let served: Served;
let next = 0;

beforeEach(async () => {
  clock = new VirtualClock();
  served = await serve({ clock });
});
afterEach(() => served.close());

async function arrive(camera: string): Promise<void> {
  const payload = { camera_id: camera, detection_id: ++next, label: "car", confidence: 0.5 };
  expect((await served.send({ method: "POST", url: "/api/detections", payload })).status).toBe(202);
}

/** Key → close reason; `open` for windows that still take items. */
async function state(): Promise<Record<string, string>> {
  const { json: history } = await served.send({ url: "/api/batch/history?stream=detections" });
  const { json: pipeline } = await served.send({ url: "/api/system/pipeline" });
  const closed = (history as unknown as { batches: { key: string; close_reason: string }[] }).batches;
  const { batches: open } = pipeline["batch_aggregator"] as unknown as { batches: { camera_id: string }[] };
  return Object.fromEntries([
    ...closed.map(({ key, close_reason }) => [key, close_reason]),
    ...open.map((each) => [each.camera_id, "open"]),
  ]);
}

const patch = (payload: object) => served.send({ method: "PATCH", url: "/api/v1/settings", payload });

describe("a window that is looked at so long after its start and its last item", () => {
  // Nothing runs between the last item and the look, as after a sleep of the machine.
  it.each([
    [95, 20, "timeout"],
    [40, 35, "idle"],
    [30, 5, "open"],
    [90, 10, "timeout"],
    [60, 30, "idle"],
    [89.99, 0.01, "open"],
    [95, 35, "timeout"],
  ])("%d s and %d s: %s", async (startedAgo, lastAgo, expected) => {
    const start = clock.now();
    const last = start + (startedAgo - lastAgo) * second;
    await arrive("gate");
    for (let at = start + 25 * second; at < last; at += 25 * second) {
      await clock.skipTo(at);
      await arrive("gate");
    }
    await clock.skipTo(last);
    await arrive("gate");
    await clock.skipTo(start + startedAgo * second);
    expect(await state()).toEqual({ gate: expected });
  });
});

describe("changed settings and windows that are open", () => {
  it("windowSeconds 120: they stay past 90 s, and close at 120 s", async () => {
    await arrive("gate");
    for (let at = 20; at <= 80; at += 20) {
      await clock.advance(20 * second);
      await arrive("gate");
    }
    const answer = await patch({ batch: { window_seconds: 120 } });
    expect(answer).toMatchObject({ status: 200, json: { batch: { window_seconds: 120, idle_timeout_seconds: 30 } } });
    expect(readFileSync(join(served.yard.config.data, "runtime.env"), "utf8")).toBe("BATCH_WINDOW_SECONDS=120\n");
    await clock.advance(20 * second);
    await arrive("gate");
    await clock.advance(20 * second - 1);
    expect(await state()).toEqual({ gate: "open" });
    await clock.advance(1);
    expect(await state()).toEqual({ gate: "timeout" });
  });

  it("shorter ones close what is overdue at once, and leave what is not", async () => {
    await arrive("old");
    await clock.advance(25 * second);
    await arrive("young");
    await patch({ batch: { window_seconds: 20, idle_timeout_seconds: 10 } });
    await clock.advance(0);
    expect(await state()).toEqual({ old: "timeout", young: "open" });
  });

  it("max_detections counts for the next item of an open window", async () => {
    await arrive("gate");
    await arrive("gate");
    await patch({ batch: { max_detections: 3 } });
    expect(await state()).toEqual({ gate: "open" });
    await arrive("gate");
    expect(await state()).toEqual({ gate: "max_size" });
  });

  it.each([
    ["refused", { batch: { window_seconds: 20 } }, 422, false],
    ["refused", { batch: { window_seconds: 60, idle_timeout_seconds: 60 } }, 422, false],
    ["not written", { batch: { window_seconds: 60 } }, 500, true],
  ])("%s (%j): windows go by the old ones", async (_why, body, status, unwritable) => {
    if (unwritable) {
      // A directory of that name cannot be replaced by a file, whoever runs the test.
      const file = join(served.yard.config.data, "runtime.env");
      mkdirSync(file);
      writeFileSync(join(file, "x"), "");
    }
    await arrive("gate");
    expect((await patch(body)).status).toBe(status);
    for (let at = 20; at <= 80; at += 20) {
      await clock.advance(20 * second);
      await arrive("gate");
    }
    expect(await state()).toEqual({ gate: "open" });
    await clock.advance(10 * second);
    expect(await state()).toEqual({ gate: "timeout" });
  });

  it("two at once both count", async () => {
    await arrive("gate");
    await Promise.all([patch({ batch: { window_seconds: 40 } }), patch({ batch: { idle_timeout_seconds: 35 } })]);
    await clock.advance(34 * second);
    expect(await state()).toEqual({ gate: "open" });
    await arrive("gate");
    await clock.advance(6 * second);
    expect(await state()).toEqual({ gate: "timeout" });
  });
});
