import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { serve, type Served } from "../server.fixture.ts";

const BASE = "/api/admin/batch-monitoring";
let served: Served;
const clock = new VirtualClock();

beforeAll(async () => {
  served = await serve({ clock, alerts: true, settings: { BATCHYARD_SMTP_URL: "smtp://127.0.0.1:1" } });
});
afterAll(async () => {
  const closing = served.close();
  for (let turns = 0; turns < 20; turns++) await clock.advance(1_000);
  await closing;
});

let key = "";
/** The limit of 60 a minute is a user's: each test is another one. */
async function ask(method: "GET" | "POST" | "PUT" | "DELETE", path: string, payload?: unknown) {
  const { status, json } = await served.send({
    method,
    url: `${BASE}${path}`,
    headers: { authorization: `Bearer ${key}`, ...(payload === undefined ? {} : { "content-type": "application/json" }) },
    ...(payload === undefined ? {} : { payload: JSON.stringify(payload) }),
  });
  return {
    status,
    json: json as unknown as { [name: string]: never } & { success: boolean; error?: { code: string } | string; code?: string },
  };
}
const actions = async (): Promise<string[]> =>
  (await served.yard.store.audit.list("default", { before: null, limit: 5 })).map(({ action }) => action);

describe("settings of alerting", () => {
  it("are read, changed one by one, and are the server's settings", async () => {
    key = await served.key("admin");
    expect((await ask("GET", "/alerts")).json).toMatchObject({
      success: true,
      data: {
        settings: { errorRateThreshold: 10, processingTimeThreshold: 3_600, notificationChannels: ["log"], alertSuppression: 0 },
        alerts: [],
        pending: [],
        next: null,
      },
    });
    const changed = await ask("POST", "/alerts", { errorRateThreshold: 5, alertSuppression: 30 });
    expect(changed.json).toMatchObject({ data: { errorRateThreshold: 5, processingTimeThreshold: 3_600, alertSuppression: 30 } });
    expect(await actions()).toContain("alerts.settings");
    expect(served.yard.settings.current().alerts.errorRate).toBe(5);
    expect((await ask("POST", "/alerts", {})).json).toMatchObject({ data: { errorRateThreshold: 5, alertSuppression: 30 } });
  });

  it.each([
    [{ errorRateThreshold: 101 }, 400],
    [{ processingTimeThreshold: 0 }, 400],
    [{ notificationChannels: ["pager"] }, 400],
    [{ alertSuppression: "yes" }, 400],
    [{ unknown: 1 }, 400],
  ])("%j is %i", async (body, status) => {
    key = await served.key("admin");
    expect((await ask("POST", "/alerts", body)).status).toBe(status);
  });

  it("another tenant's are its own", async () => {
    key = await served.key("admin", "other");
    expect((await ask("POST", "/alerts", { errorRateThreshold: 77, processingTimeThreshold: 60 })).json).toMatchObject({
      data: { errorRateThreshold: 77, processingTimeThreshold: 60 },
    });
    expect(served.yard.settings.current().alerts.errorRate).not.toBe(77);
  });
});

describe("rules", () => {
  it("say what they would have done when they are saved; a ready-made one can be given back its first values", async () => {
    key = await served.key("admin");
    const saved = await ask("POST", "/rules", { name: "batchFailure", kind: "batchFailure", threshold: 3, severity: "high" });
    expect(saved.json).toMatchObject({
      rule: { name: "batchFailure", threshold: 3, thresholdFrom: "rule", severity: "high", frequency: "immediate", changed: true },
      wouldHave: { episodes: [], notifications: 0, more: 0 },
    });
    expect((await ask("DELETE", "/rules/batchFailure")).status).toBe(200);
    const { rules } = (await ask("GET", "/rules")).json as unknown as { rules: { name: string; threshold: number; changed: boolean }[] };
    expect(rules).toHaveLength(21);
    expect(rules.find(({ name }) => name === "batchFailure")).toMatchObject({ threshold: 1, changed: false });
    expect((await ask("DELETE", "/rules/batchFailure")).status).toBe(404);
  });

  it("are turned on again together, as they were changed; those that are off at first stay off", async () => {
    key = await served.key("admin", "tidy");
    const off = await ask("POST", "/rules", { name: "batchFailure", kind: "batchFailure", threshold: 7, enabled: false });
    expect(off.json["rule"]).toMatchObject({ enabled: false, recommended: true });
    expect((await ask("POST", "/rules/recommended", {})).json).toEqual({ success: true, enabled: ["batchFailure"] });
    const { rules } = (await ask("GET", "/rules")).json as unknown as { rules: { name: string; enabled: boolean; recommended: boolean }[] };
    expect(rules.every(({ enabled, recommended }) => enabled === recommended)).toBe(true);
    expect(rules.filter(({ enabled }) => !enabled).map(({ name }) => name)).toEqual(["windowNearTimeout"]);
    expect(rules.find(({ name }) => name === "batchFailure")).toMatchObject({
      threshold: 7,
      noise: { days: 7, episodes: 0, told: 0, lastOpenedAt: null },
    });
    expect((await ask("POST", "/rules/recommended", {})).json).toEqual({ success: true, enabled: [] });
  });

  it("can be added beside the ready-made ones, and refuse what they cannot be", async () => {
    key = await served.key("admin");
    const body = { name: "slowImports", kind: "longProcessingTime", threshold: 1000, instances: ["operation:import"], channels: ["log"] };
    expect((await ask("POST", "/rules/preview", body)).status).toBe(200);
    expect((await ask("GET", "/rules")).json["rules"]).toHaveLength(21);
    expect((await ask("POST", "/rules", body)).status).toBe(200);
    expect((await ask("POST", "/rules", { ...body, kind: "batchFailure" })).status).toBe(409);
    expect((await ask("POST", "/rules", { name: "batchFailure", kind: "watchdog" })).status).toBe(409);
    expect((await ask("POST", "/rules", { ...body, channels: ["pager"] })).status).toBe(400);
    expect((await ask("POST", "/rules", { ...body, kind: "nonsense" })).status).toBe(400);
    expect((await ask("POST", "/rules", { ...body, threshold: "5" })).status).toBe(400);
    expect((await ask("DELETE", "/rules/slowImports")).status).toBe(200);
  });
});

describe("alerts", () => {
  it("fire, are taken on, and end; each step is an event", async () => {
    key = await served.key("admin");
    const { yard } = served;
    const id = await served.create({ operation: "echo", items: [{ id: "a", fail: "no" }] });
    for (let i = 0; i < 30 && (await yard.batches.get({ tenant: "default" } as never, id)).status !== "failed"; i++)
      await clock.advance(100);
    await clock.advance(15_000);
    const listed = (await ask("GET", "/alerts?state=open")).json as unknown as {
      data: { alerts: { id: string; rule: string; severity: string }[] };
    };
    const found = listed.data.alerts.find(({ rule }) => rule === "batchFailure");
    expect(found).toMatchObject({
      severity: "critical",
      state: "firing",
      instance: "operation:echo",
      acknowledged: false,
      channels: ["log"],
    });
    const counts = { firing: 3, critical: 1, silenced: 0, pending: 0 };
    expect(listed).toMatchObject({ data: { counts } });
    const viewer = { authorization: `Bearer ${await served.key("viewer")}` };
    expect((await served.send({ method: "GET", url: "/api/system/alerts", headers: viewer })).json).toEqual({
      success: true,
      alerts: counts,
    });
    expect((await served.send({ method: "GET", url: "/api/system/overview", headers: viewer })).json).toMatchObject({
      health: { status: "warning", reasons: [{ level: "warning", code: "alerts", message: "3 alerts fire, 1 critical" }] },
    });
    expect((await ask("POST", `/alerts/${found!.id}/ack`, { note: "mine" })).json).toMatchObject({
      data: { acknowledged: true, acknowledgedBy: "key:admin", note: "mine" },
    });
    expect((await ask("POST", "/alerts/alert_none/ack")).status).toBe(404);
    const own = key;
    key = await served.key("admin", "other");
    expect((await ask("POST", `/alerts/${found!.id}/ack`)).status).toBe(404);
    expect((await ask("GET", "/alerts")).json).toMatchObject({ data: { alerts: [] } });
    key = own;
    const events = await yard.store.events.read(0, 1000, { entity: found!.id });
    expect(events.map(({ type }) => type)).toEqual(["alert.firing", "alert.acked", "audit.recorded"]);
    const first = (await ask("GET", "/alerts?limit=1")).json as unknown as { data: { next: string; alerts: { id: string }[] } };
    const second = (await ask("GET", `/alerts?limit=1&cursor=${first.data.next}`)).json as unknown as typeof first;
    expect(second.data.alerts[0]!.id).not.toBe(first.data.alerts[0]!.id);
    expect((await ask("GET", "/alerts?cursor=nonsense")).status).toBe(400);
  });
});

describe("silences", () => {
  it("are made, listed and ended by their own tenant", async () => {
    key = await served.key("admin");
    const made = await ask("POST", "/silences", { rule: "batchFailure", minutes: 10, comment: "deploy" });
    expect(made.status).toBe(201);
    const { silence } = made.json as unknown as { silence: { id: string; by: string } };
    expect(silence.by).toBe("key:admin");
    expect((await ask("GET", "/silences")).json["silences"]).toHaveLength(1);
    const own = key;
    key = await served.key("admin", "other");
    expect((await ask("GET", "/silences")).json["silences"]).toEqual([]);
    expect((await ask("DELETE", `/silences/${silence.id}`)).status).toBe(404);
    key = own;
    expect((await ask("DELETE", `/silences/${silence.id}`)).status).toBe(200);
    expect((await ask("DELETE", `/silences/${silence.id}`)).status).toBe(404);
    expect((await ask("GET", "/silences")).json["silences"]).toEqual([]);
  });

  it.each([{}, { minutes: 0 }, { minutes: 5, until: "2030-01-01" }, { until: "2001-01-01" }, { minutes: 5, rule: "no such" }])(
    "%j is refused",
    async (body) => {
      key = await served.key("admin");
      expect((await ask("POST", "/silences", body)).status).toBe(400);
    },
  );
});

describe("channels", () => {
  it("are set up, shown without what is secret, tested and removed", async () => {
    key = await served.key("admin");
    expect((await ask("PUT", "/channels/team", { slack: "https://8.8.8.8/services/T0/B0/secret" })).json).toMatchObject({
      channel: { name: "team", kind: "slack", target: "https://8.8.8.8/…", from: "api" },
    });
    expect((await ask("PUT", "/channels/mail", { email: "ops@example.org" })).status).toBe(200);
    const tested = await ask("POST", "/channels/mail/test");
    expect(tested.json).toMatchObject({ success: false, error: expect.stringMatching(/ECONNREFUSED/) as string });
    expect((await ask("POST", "/channels/log/test")).json).toMatchObject({ success: true, error: null });
    expect((await ask("GET", "/alerts")).json).toMatchObject({ data: { settings: { notificationChannels: ["team", "mail"] } } });
    const { channels } = (await ask("GET", "/channels")).json as unknown as {
      channels: { name: string; last: unknown; waiting: number }[];
    };
    expect(channels.find(({ name }) => name === "mail")).toMatchObject({ last: null, waiting: 0, givenUp: 0 });
    const listed = JSON.stringify(channels);
    expect(listed).not.toContain("secret");
    expect((await ask("DELETE", "/channels/log")).status).toBe(409);
    expect((await ask("PUT", "/channels/log", { email: "ops@example.org" })).status).toBe(409);
    for (const name of ["team", "mail"]) expect((await ask("DELETE", `/channels/${name}`)).status).toBe(200);
    expect((await ask("DELETE", "/channels/team")).status).toBe(400);
    expect((await ask("PUT", "/channels/x", { webhook: "https://8.8.8.8/", slack: "https://8.8.8.8/" })).status).toBe(400);
    expect((await ask("PUT", "/channels/x", { email: "not an address" })).status).toBe(400);
  });

  it.each([
    "http://127.1/",
    "http://2130706433/",
    "http://[::ffff:7f00:1]/",
    "http://169.254.169.254/latest",
    "https://user@example.com/",
    "https://example.com:6379/",
    "gopher://example.com/",
  ])("%s is no target", async (webhook) => {
    key = await served.key("admin");
    for (const body of [{ webhook }, { slack: webhook }]) {
      const answer = await ask("PUT", "/channels/x", body);
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.json)).toContain("address_not_allowed");
    }
  });
});
