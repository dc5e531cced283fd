import { afterAll, beforeAll, expect, it } from "vitest";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { serve, type Served } from "./server.fixture.ts";

let served: Served;
const clock = new VirtualClock();

beforeAll(async () => {
  served = await serve({ clock });
});
afterAll(async () => {
  const closing = served.close();
  for (let turns = 0; turns < 20; turns++) await clock.advance(1_000);
  await closing;
});

async function ask(method: "GET" | "POST" | "DELETE", url: string, payload?: unknown) {
  const { status, json } = await served.send({
    method,
    url,
    ...(payload === undefined ? {} : { headers: { "content-type": "application/json" }, payload: JSON.stringify(payload) }),
  });
  return { status, json: json as Record<string, unknown> };
}
async function groups(query = ""): Promise<Record<string, unknown>[]> {
  const { json } = await ask("GET", `/api/system/failures/groups${query}`);
  return json["groups"] as Record<string, unknown>[];
}

it("groups failures of all batches by kind, and gives up one group alone", async () => {
  for (const fail of ["no 1", "no 2", "other"]) {
    const id = await served.create({ operation: "echo", items: [{ id: "a", fail }, { id: "b" }] });
    for (let i = 0; i < 50 && (await served.yard.store.batches.get("default", id))!.completedAt === null; i++) await clock.advance(100);
  }
  const [first, second] = await groups();
  expect(first).toMatchObject({ count: 2, new: true, operations: [{ name: "echo", count: 2 }], streams: [], sample: { item_key: "a" } });
  expect((first!["trend"] as number[]).reduce((sum, n) => sum + n, 0)).toBe(2);
  expect(second).toMatchObject({ error: "other", count: 1 });
  expect((await ask("GET", "/api/system/failures/groups?range=30d")).json).toMatchObject({ total: 2, failures: 3, width_seconds: 86_400 });
  expect(await groups("?operation=nothing")).toEqual([]);
  expect((await ask("GET", "/api/system/failures/groups?range=2y")).status).toBe(400);

  const { fingerprint } = first!;
  expect((await ask("DELETE", "/api/dlq/echo", { fingerprint })).json).toMatchObject({ deleted: 2 });
  expect((await ask("GET", "/api/dlq/stats")).json).toMatchObject({ total: 1 });
  expect((await ask("POST", "/api/dlq/requeue/echo", { fingerprint: second!["fingerprint"] })).json).toMatchObject({ requeued: 1 });
  expect((await ask("DELETE", "/api/dlq/detections", { fingerprint, kind: "stream" })).status).toBe(400);
});
