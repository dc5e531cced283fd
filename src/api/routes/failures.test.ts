import { afterAll, beforeAll, expect, it } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { serve, type Served } from "../server.fixture.ts";

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

async function ask(method: "GET" | "POST" | "PUT" | "DELETE", url: string, payload?: unknown) {
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

it("mutes a group with a reason: listed apart, ended by hand, both in the audit log; a viewer may only look", async () => {
  const { fingerprint } = (await groups())[0] as { fingerprint: string };
  const path = `/api/system/failures/mutes/${fingerprint}`;
  expect((await ask("PUT", path, { reason: "known", minutes: 5, until: "2100-01-01" })).status).toBe(400);
  expect((await ask("PUT", path, { reason: "known", until: "2000-01-01" })).status).toBe(400);
  expect((await ask("PUT", path, {})).status).toBe(400);
  expect((await ask("PUT", "/api/system/failures/mutes/000000000000", { reason: "known" })).json).toMatchObject({
    code: "failure_group_not_found",
  });
  const viewer = { authorization: `Bearer ${await served.key("viewer")}`, "content-type": "application/json" };
  expect((await served.send({ method: "PUT", url: path, headers: viewer, payload: `{"reason":"known"}` })).status).toBe(403);

  expect((await ask("PUT", path, { reason: "known", untilChange: true })).json).toMatchObject({
    mute: { fingerprint, reason: "known", until: null, until_change: true },
  });
  expect((await groups()).map((group) => group["fingerprint"])).not.toContain(fingerprint);
  const answer = (await ask("GET", "/api/system/failures/groups")).json;
  expect(answer).toMatchObject({ total: 1, failures: 2, muted: { total: 1, failures: 2 } });
  expect((await ask("GET", "/api/system/failures/mutes?range=7d")).json).toMatchObject({ mutes: [{ fingerprint, count: 2 }] });
  const stranger = { authorization: `Bearer ${await served.key("admin", "other")}` };
  expect((await served.send({ url: "/api/system/failures/mutes", headers: stranger })).json).toMatchObject({ mutes: [] });
  expect((await served.send({ method: "DELETE", url: path, headers: stranger })).status).toBe(404);

  expect((await ask("DELETE", path)).status).toBe(200);
  expect((await ask("DELETE", path)).json).toMatchObject({ code: "mute_not_found" });
  expect((await groups()).map((group) => group["fingerprint"])).toContain(fingerprint);
  const { entries } = (await ask("GET", `/api/admin/audit?target=${fingerprint}`)).json as { entries: Record<string, unknown>[] };
  expect(entries.map(({ action, before, after }) => [action, before === null, after === null])).toEqual([
    ["failures.unmute", false, true],
    ["failures.mute", true, false],
  ]);
});
