import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { folders } from "../../../test/support/folder.ts";
import { EVENTS } from "../../events/catalogue.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { serve, type Served } from "../server.fixture.ts";

interface Entry {
  seq: number;
  at: string;
  actor: string;
  action: string;
  target: string;
  before: unknown;
  after: unknown;
  outcome: string;
}

const newFolder = folders();
let served: Served;
afterEach(() => served.close());

async function audit(query = "", key?: string): Promise<{ entries: Entry[]; nextCursor: string | null }> {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const { status, json } = await served.send({ url: `/api/admin/audit${query}`, headers });
  expect([status, json["error"]]).toEqual([200, undefined]);
  return json as unknown as { entries: Entry[]; nextCursor: string | null };
}

const cancelled = async (): Promise<string> => {
  const id = await served.create({ operation: "echo", items: [{ id: "1" }] });
  await served.send({ method: "POST", url: `/api/batch/${id}/priority`, payload: { priority: "high" } });
  return id;
};

describe.each(["/api/admin/audit", "/api/admin/batch-monitoring/audit"])("GET %s", (base) => {
  it("has who did what to which thing, before and after, by pages", async () => {
    served = await serve({ settings: { BATCHYARD_WORKERS: "0" } });
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await cancelled());
    const seen: Entry[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const { json } = await served.send({ url: `${base}?action=batch.priority&limit=2${cursor === "" ? "" : `&cursor=${cursor}`}` });
      const page = json as unknown as { entries: Entry[]; nextCursor: string | null };
      seen.push(...page.entries);
      cursor = page.nextCursor;
    }
    expect(seen.map(({ target }) => target)).toEqual(ids.toReversed());
    expect(seen[0]).toMatchObject({
      actor: "key:environment",
      outcome: "SUCCESS",
      before: { priority: "normal" },
      after: { priority: "high" },
    });
    const { entries } = (await served.send({ url: `${base}?target=${ids[0]}` })).json as unknown as { entries: Entry[] };
    expect(entries.map(({ target }) => target)).toEqual([ids[0]]);
    const reads = (await served.send({ url: `${base}?action=audit_access` })).json as unknown as { entries: Entry[] };
    expect(reads.entries.length).toBeGreaterThan(3);
  });

  it("is proved whole, and its export can be checked line by line", async () => {
    served = await serve({ settings: { BATCHYARD_WORKERS: "0" } });
    await cancelled();
    const { text, headers } = await served.send({ url: `${base}/export` });
    expect(headers["content-type"]).toBe("application/x-ndjson; charset=utf-8");
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Entry);
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, n) => n + 1));
    const verdict = (await served.send({ url: `${base}/verify` })).json as unknown as { ok: boolean; entries: number; head: string };
    expect(verdict).toMatchObject({ ok: true, entries: lines.length });
    expect((await served.send({ url: `${base}/verify?head=${verdict.head}` })).json).toMatchObject({ ok: true });
    const forged = `1:${"0".repeat(64)}`;
    expect((await served.send({ url: `${base}/verify?head=${forged}` })).json).toMatchObject({
      ok: false,
      faults: [{ seq: 1, kind: "rewritten" }],
    });
    expect((await served.send({ url: `${base}/verify?head=1` })).status).toBe(400);
  });
});

describe("a server that starts without the anchor of its audit log", () => {
  it("says so to everybody until an admin of its own tenant accepts that with a reason", async () => {
    const directory = newFolder();
    served = await serve({ directory, settings: { BATCHYARD_WORKERS: "0" } });
    await cancelled();
    expect((await served.send({ method: "POST", url: "/api/admin/audit/anchor", payload: { reason: "none" } })).json).toMatchObject({
      code: "audit_whole",
    });
    await served.close();
    rmSync(join(directory, "audit.anchor"));
    served = await serve({ directory, settings: { BATCHYARD_WORKERS: "0" } });
    const message = expect.stringMatching(/^the file audit\.anchor is missing or not readable; it stood at entry \d+ of \d{4}-/) as unknown;
    expect((await audit("?action=audit.unproven")).entries).toMatchObject([
      { actor: "server", outcome: "SUSPICIOUS", after: { kind: "unanchored", message } },
    ]);
    const critical = await served.yard.store.events.critical("default", 10);
    expect(critical).toMatchObject([{ type: "audit.unproven", data: { kind: "unanchored", message } }]);
    EVENTS["audit.unproven"].data.parse(critical[0]!.data);
    const verdict = async (): Promise<unknown> => (await served.send({ url: "/api/admin/audit/verify" })).json;
    expect(await verdict()).toMatchObject({ ok: false, faults: [{ kind: "unanchored", message }] });

    const accept = async (payload: Record<string, unknown>, key?: string) =>
      served.send({
        method: "POST",
        url: "/api/admin/audit/anchor",
        payload,
        headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      });
    expect((await accept({})).status).toBe(400);
    expect((await accept({ reason: "mine" }, await served.key("admin", "other"))).status).toBe(403);
    expect((await accept({ reason: "mine" }, await served.key("operator"))).status).toBe(403);
    expect(await verdict()).toMatchObject({ ok: false });
    expect((await accept({ reason: "the disk was replaced" })).json).toMatchObject({ success: true, ok: true, faults: [] });
    expect(await verdict()).toMatchObject({ ok: true });
    expect((await audit("?action=audit.anchor_accepted")).entries).toMatchObject([
      { actor: "key:environment", after: { reason: "the disk was replaced" }, before: { anchor: null } },
    ]);
  });
});

describe("what is written down", () => {
  it("is of the caller's own tenant, for admins", async () => {
    served = await serve({ settings: { BATCHYARD_WORKERS: "0" } });
    await cancelled();
    const other = await served.key("admin", "other");
    expect((await audit("", other)).entries.map(({ action }) => action)).toEqual(["audit_access"]);
    const viewer = await served.key("viewer");
    expect((await served.send({ url: "/api/admin/audit", headers: { authorization: `Bearer ${viewer}` } })).status).toBe(403);
    const denied = (await audit("?outcome=BLOCKED")).entries;
    expect(denied).toMatchObject([{ action: "denied", target: "GET /api/admin/audit", actor: "key:viewer" }]);
  });

  it("has who asks too often once a minute, and who tries keys once it is too many", async () => {
    const clock = new VirtualClock();
    served = await serve({ clock });
    for (let n = 0; n < 65; n++) await served.send({ url: "/api/admin/batch-monitoring?limit=1" });
    const key = await served.key("admin");
    expect((await audit("?outcome=RATE_LIMITED", key)).entries).toMatchObject([
      { action: "too_many_requests", target: "GET /api/admin/batch-monitoring", actor: "key:environment" },
    ]);
    for (let n = 0; n < 14; n++) await served.send({ url: "/api/batch/stats", headers: { authorization: `Bearer by_${"x".repeat(43)}` } });
    expect((await audit("?outcome=FAILURE", key)).entries).toHaveLength(10);
    expect((await audit("?outcome=SUSPICIOUS", key)).entries).toMatchObject([{ action: "sign_in", actor: "anonymous" }]);
  });
});
