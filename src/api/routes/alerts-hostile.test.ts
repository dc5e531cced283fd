import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { serve, type Served } from "../server.fixture.ts";

const BASE = "/api/admin/batch-monitoring";
let served: Served;
beforeAll(async () => {
  served = await serve({ clock: new VirtualClock({ startsAt: Date.UTC(2026, 2, 29) }) });
});
afterAll(() => served.close());

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** A key of its own for each group of calls: 60 a minute and user is a limit. */
async function caller(tenant = "default"): Promise<(method: Method, path: string, payload?: unknown) => ReturnType<Served["send"]>> {
  const authorization = `Bearer ${await served.key("admin", tenant)}`;
  return (method, path, payload) =>
    served.send({
      method,
      url: BASE + path,
      headers: { authorization, "content-type": "application/json" },
      ...(payload === undefined ? {} : { payload: typeof payload === "string" ? payload : JSON.stringify(payload) }),
    });
}

/** What no number, no text, no name is. */
const JUNK: readonly unknown[] = [
  null,
  true,
  "",
  "x".repeat(10_000),
  "\u202e\u0000",
  "💥",
  -1,
  1e308,
  -1e308,
  0.5,
  2 ** 53,
  [],
  [[]],
  ["a", "a"],
  {},
  { __proto__x: 1 },
  "2026-02-30T00:00:00Z",
  "275761-01-01T00:00:00Z",
];

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  "/alerts": ["errorRateThreshold", "processingTimeThreshold", "notificationChannels", "alertSuppression"],
  "/silences": ["rule", "instance", "from", "until", "minutes", "comment"],
  "/rules": ["name", "kind", "threshold", "forSeconds", "keepSeconds", "severity", "frequency", "channels", "instances", "enabled"],
};
const SOUND: Readonly<Record<string, Record<string, unknown>>> = {
  "/alerts": {},
  "/silences": { minutes: 5 },
  "/rules": { name: "mine", kind: "backpressure" },
};

describe("bad values", () => {
  it.each(Object.keys(FIELDS))("POST %s refuses or takes each, and never breaks", async (path) => {
    for (const field of FIELDS[path]!) {
      const send = await caller();
      for (const value of JUNK) {
        const body = {
          ...SOUND[path]!,
          ...(field === "until" || field === "from" ? { minutes: undefined, until: "2027-01-01T00:00:00Z" } : {}),
          [field]: value,
        };
        const { status, json } = await send("POST", path, body);
        expect({ field, value, status, json }).toEqual({
          field,
          value,
          status: expect.toSatisfy((n: number) => n < 300 || (n >= 400 && n < 500)) as number,
          json,
        });
      }
    }
    // And whoever reads afterwards still can.
    const send = await caller();
    for (const read of ["", "/alerts", "/silences", "/rules", "/channels"]) expect((await send("GET", read)).status).toBe(200);
    await served.yard.alerts.evaluator.tick();
  });

  it("of channels, ids and names", async () => {
    const send = await caller();
    for (const value of JUNK) {
      for (const kind of ["webhook", "slack", "email", "secret"]) {
        const { status } = await (await caller())("PUT", "/channels/mine", { [kind]: value });
        expect([kind, value, status]).toEqual([kind, value, 400]);
      }
    }
    for (const name of ["..%2f..", "%00", "log", "%F0%9F%92%A5", "x".repeat(101), "1a", "a%20b", "__proto__"]) {
      for (const [method, path, body] of [
        ["PUT", `/channels/${name}`, { webhook: "https://example.com/" }],
        ["POST", `/channels/${name === "log" ? "none" : name}/test`, undefined],
        ["DELETE", `/channels/${name}`, undefined],
        ["DELETE", `/rules/${name}`, undefined],
        ["POST", `/alerts/${name}/ack`, {}],
        ["DELETE", `/silences/${name}`, undefined],
      ] as const) {
        const { status } = await (await caller())(method, path, body);
        expect([method, path, status]).toEqual([method, path, expect.toSatisfy((n: number) => n >= 400 && n < 500)]);
      }
    }
    for (const body of [
      "{",
      "[]",
      "null",
      '"x"',
      '{"minutes":1,"minutes":2}',
      '{"minutes":1e400}',
      `{"comment":"${"\\ud800"}","minutes":1}`,
    ]) {
      expect([body, (await send("POST", "/silences", body)).status]).toEqual([body, 400]);
    }
  });

  it("of questions", async () => {
    for (const query of [
      "/alerts?state=odd",
      "/alerts?limit=0",
      "/alerts?limit=201",
      "/alerts?limit=1&limit=2",
      "/alerts?cursor=x",
      "/alerts?cursor=999999999999999999.alert_a",
      "/alerts?cursor=-1.alert_a",
      "?page=-1",
      "?page=1e9",
      "?page=99999999999999999999",
      "?limit=-5",
      "?limit[]=5",
      "?timeRange=",
      "?jobType=",
      "?includeDetails=2",
      "?format=",
      "/analysis/errors?limit=0",
      "/analysis/slow?timeRange=1y",
      "/analysis/sizes?limit=5",
    ])
      expect([query, (await (await caller())("GET", query)).status]).toEqual([query, 400]);
    const send = await caller();
    for (const query of ["?page=10000000", "?jobType=💥", "/alerts?cursor=0.alert_a", "?limit=9007199254740991"])
      expect([query, (await send("GET", query.replace("💥", "%F0%9F%92%A5"))).status]).toEqual([query, 200]);
  });
});

describe("another tenant's admin", () => {
  it("neither sees nor reaches rules, silences, channels, alerts, jobs", async () => {
    const mine = await caller();
    const other = await caller("other");
    expect((await mine("POST", "/rules", { name: "secret.rule", kind: "backpressure", threshold: 1 })).status).toBe(200);
    expect((await mine("PUT", "/channels/secret-channel", { webhook: "https://example.com/hidden" })).status).toBe(200);
    const silence = (await mine("POST", "/silences", { minutes: 5, comment: "secret" })).json as unknown as { silence: { id: string } };
    const job = await served.create({ operation: "echo", items: [{ id: "1", fail: "hidden text" }] });
    await served.event("batch.failed", job);
    for (const path of [
      "",
      "/alerts",
      "/rules",
      "/silences",
      "/channels",
      "/analysis/errors",
      "/analysis/slow",
      "/analysis/sizes",
      "/audit",
    ]) {
      const { status, text } = await other("GET", path);
      expect([path, status]).toEqual([path, 200]);
      expect(text).not.toMatch(/secret|hidden/);
      expect(text).not.toContain(job);
    }
    for (const [method, path, body] of [
      ["DELETE", "/rules/secret.rule", undefined],
      ["DELETE", `/silences/${silence.silence.id}`, undefined],
      ["DELETE", "/channels/secret-channel", undefined],
      ["POST", "/channels/secret-channel/test", undefined],
      ["POST", "/rules", { name: "x", kind: "backpressure", channels: ["secret-channel"] }],
      ["POST", "/alerts", { notificationChannels: ["secret-channel"] }],
      ["POST", `/${job}/retry`, undefined],
      ["POST", `/${job}/cancel`, undefined],
      ["POST", `/${job}/pause`, undefined],
      ["POST", `/${job}/priority`, { priority: "low" }],
      ["POST", "/silences", { rule: "secret.rule", minutes: 5 }],
    ] as const) {
      const { status } = await other(method, path, body);
      expect([path, status]).toEqual([path, expect.toSatisfy((n: number) => n === 400 || n === 404)]);
    }
    expect((await mine("GET", "/rules")).text).toContain("secret.rule");
    expect((await mine("GET", "/channels")).text).toContain("secret-channel");
    expect((await mine("GET", "/silences")).text).toContain(silence.silence.id);
  });
});
