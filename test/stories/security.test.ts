import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueKey } from "../../src/api/auth/secrets.ts";
import { serve, TOKEN, type Served } from "../../src/api/server.fixture.ts";
import type { Role } from "../../src/store/port.ts";
import { ask, type Answer, type Asked, formed } from "../support/ask.ts";
import { GUARDED, type Guarded, type Things } from "../support/guarded-routes.ts";

/** Who may reach what: objects, roles, fields, sites. The routes come from /openapi.json. */

interface Described {
  paths: Record<string, Record<string, { "x-role"?: string; security?: unknown[]; requestBody?: { content: Record<string, unknown> } }>>;
}

const ORIGIN = "http://localhost";
const HOST = "localhost";
const REFUSED = [400, 404, 409];
const UNSAFE = ["POST", "PUT", "DELETE", "PATCH"];

let served: Served;
let url: string;
let routes: { name: string; method: string; path: string; role: string; guarded: Guarded }[];
const keys: Record<string, string> = {};
let theirs: Things;

const as = (key: string, asked: Asked, requestId = "same"): Promise<Answer> =>
  ask(url, { ...asked, headers: { authorization: `Bearer ${key}`, "x-request-id": requestId, ...asked.headers } });
const json = (answer: Answer): Record<string, never> => JSON.parse(answer.text) as Record<string, never>;
/** An address of a route about nothing in particular. */
const sample = (path: string): string =>
  path
    .replace("{nodeId}", "1")
    .replace("{fingerprint}", "0123456789ab")
    .replace("{chunk}", "999999")
    .replace("{name}", "toys")
    .replace("{key}", "k")
    .replace("{id}", "batch_1_aaaaaaaaa") +
  (path.endsWith("/export") && path !== "/api/batch/export" ? "?format=csv" : "") +
  (path.endsWith("/compare") ? "?a=x&b=y" : "");
const unguarded: Guarded = { need: "admin", body: null };

async function thingsOf(tenant: string, key: string): Promise<Things> {
  const made = async (asked: Asked): Promise<Record<string, Record<string, string>>> => json(await as(key, { method: "POST", ...asked }));
  const { batch } = await made(
    formed("/api/batch/create", { operation: "echo", options: { executor: "external" }, items: [{ id: "item1" }] }),
  );
  const { file } = await made({ path: "/api/files?filename=theirs.csv", headers: { "content-type": "text/csv" }, body: "id\n1\n" });
  const openai = json(
    await as(key, {
      method: "POST",
      ...formed("/v1/batches", { input_file_id: file!["id"]!, endpoint: "/v1/chat/completions", completion_window: "24h" }),
    }),
  );
  await as(key, { method: "PUT", ...formed("/api/collections/toys/shelf-1", { owner: tenant }) });
  await as(key, {
    method: "PUT",
    ...formed("/api/streams/toystream", { operation: "echo", maxItems: 10, maxOpen: 1, overflow: "dead_letter" }),
  });
  // One window that became a batch, one that is open, one item beyond it.
  await made(formed("/api/streams/toystream/items", { id: "zeroth" }));
  await made(formed("/api/streams/toystream/flush", {}));
  await made(formed("/api/streams/toystream/items", [{ id: "first" }, { id: "second" }]));
  await made(formed("/api/detections", { detection_id: 1, camera_id: "their-gate" }));
  const { chunks } = (await made(formed("/api/external/lease", { worker: tenant }))) as unknown as {
    chunks: { chunk: number; fence: number }[];
  };
  const { request } = await made(formed("/api/requests", { jobType: "tags", model: "batchyard-local", prompt: "A red car" }));
  const [row] = await served.yard.store.access.keys(tenant);
  return {
    batch: batch!["id"]!,
    item: "item1",
    file: file!["id"]!,
    openai: openai["id"]!,
    request: request!["id"]!,
    record: "shelf-1",
    key: row!.id,
    stream: "toystream",
    chunk: chunks[0]!.chunk,
    fence: chunks[0]!.fence,
  };
}

beforeAll(async () => {
  served = await serve();
  url = await served.listen();
  for (const role of ["viewer", "operator", "admin"] as const) keys[role] = await served.key(role, "ours");
  keys["theirs"] = await served.key("admin", "theirs");
  theirs = await thingsOf("theirs", keys["theirs"]);
  const described = json(await as(TOKEN, { path: "/openapi.json" })) as unknown as Described;
  routes = Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const name = `${method.toUpperCase()} ${path}`;
      return {
        name,
        method: method.toUpperCase(),
        path,
        role: operation.security?.length === 0 ? "public" : (operation["x-role"] ?? "missing"),
        guarded: GUARDED[name] ?? unguarded,
      };
    }),
  );
});
afterAll(() => served.close());

describe("routes", () => {
  it("are those of /openapi.json, each with its line in the table of guarded routes", () => {
    expect(routes.map((route) => route.name).sort()).toEqual(Object.keys(GUARDED).sort());
    expect(routes.map((route) => `${route.name} ${route.role}`).sort()).toEqual(
      Object.entries(GUARDED)
        .map(([name, guarded]) => `${name} ${guarded.need}`)
        .sort(),
    );
    // What the server really listens to: HEAD comes with every GET that ends.
    const listened = [...served.app.printRoutes({ commonPrefix: false }).matchAll(/\(([A-Z, ]+)\)/g)]
      .flatMap((match) => match[1]!.split(", "))
      .filter((method) => method !== "HEAD");
    expect(listened).toHaveLength(routes.length);
    console.log(`security: ${routes.length} routes`);
  });
});

describe("another tenant's objects", () => {
  const nobodys: Things = {
    batch: "batch_1_aaaaaaaaa",
    item: "item1",
    file: "file-aaaaaaaaaaaaaaaaaaaaaaaa",
    openai: "batch_aaaaaaaaaaaaaaaaaaaaaaaa",
    request: "req_aaaaaaaaaaaaaaaaaaaaaaaa",
    record: "nobody",
    key: "key_aaaaaaaaaaaaaaaaaaaaaaaa",
    stream: "nostream",
    chunk: 99_999,
    fence: 1,
  };

  /** An answer without the ids it was asked about. */
  const told = (answer: Answer, things: Things): unknown[] => {
    let text = answer.text;
    for (const id of Object.values(things)
      .map(String)
      .filter((value) => value.length > 5))
      text = text.replaceAll(id, "ID");
    return [
      answer.status,
      text.replaceAll(`chunk ${things.chunk} was lost (fence ${things.fence})`, "LEASE").replaceAll(`[${things.chunk}]`, "[CHUNK]"),
    ];
  };

  it("look like missing ones on every route that names one, byte for byte, and stay as they are", async () => {
    const before = await state();
    let asked = 0;
    for (const route of routes.filter((candidate) => candidate.guarded.about !== undefined)) {
      const missing = route.guarded.about!(nobodys);
      for (const [i, about] of route.guarded.about!(theirs).entries()) {
        const foreign = await as(keys["admin"]!, { method: route.method, ...about });
        const absent = await as(keys["admin"]!, { method: route.method, ...missing[i]! });
        expect([route.name, told(foreign, theirs)]).toEqual([route.name, told(absent, nobodys)]);
        expect([route.name, foreign.status]).toEqual([route.name, absent.status]);
        expect([route.name, REFUSED.includes(foreign.status)]).toEqual([route.name, !route.name.includes("heartbeat")]);
        const names = Object.keys(foreign.headers).sort();
        expect([route.name, names]).toEqual([route.name, Object.keys(absent.headers).sort()]);
        asked += 1;
      }
    }
    console.log(`security: ${asked} requests for another tenant's objects`);
    expect(asked).toBeGreaterThan(25);
    expect(await state()).toEqual(before);
  });

  it("are in no list, no count, no page", async () => {
    const mine = async (path: string): Promise<Record<string, unknown>> => json(await as(keys["admin"]!, { path }));
    expect(await mine("/api/batch/history")).toMatchObject({ batches: [], total: 0 });
    expect(await mine("/api/batch/stats")).toMatchObject({ stats: { total: 0, byOperation: {} } });
    expect(await mine("/api/files")).toMatchObject({ files: [] });
    expect(await mine("/v1/files")).toMatchObject({ data: [], has_more: false });
    expect(await mine("/v1/batches")).toMatchObject({ data: [], has_more: false });
    expect(await mine("/api/collections")).toMatchObject({ collections: [] });
    expect(await mine("/api/collections/toys")).toMatchObject({ records: [] });
    expect((await as(keys["admin"]!, { method: "POST", ...formed("/api/external/lease", { worker: "thief", max: 100 }) })).text).toContain(
      '"chunks":[]',
    );
    expect((await as(keys["admin"]!, { path: "/" })).text).not.toContain(theirs.batch);
    expect((await mine("/api/keys"))["keys"]).toHaveLength(3);
    expect(await mine("/api/requests")).toMatchObject({ requests: [] });
    expect(await mine("/api/requests/collector")).toMatchObject({ collector: { waiting: 0 } });
    expect(await mine("/api/streams")).toMatchObject({
      streams: [
        { name: "detections", open_windows: 0, open_items: 0 },
        { name: "requests", open_items: 0 },
      ],
    });
    expect(await mine("/api/streams/detections/windows")).toMatchObject({ windows: [], total: 0 });
    expect(await mine("/api/system/pipeline")).toMatchObject({ batch_aggregator: { active_batches: 0, batches: [] } });
    expect(await mine("/api/queues/status")).toMatchObject({ queues: [], summary: { total_queued: 0, total_running: 0 } });
    expect(await mine("/api/system/pipeline-latency")).toMatchObject({ total_pipeline: null, detect_to_batch: null });
    expect(await mine("/api/system/pipeline-latency/history")).toMatchObject({ snapshots: [] });
    const own = formed(`/api/streams/${theirs.stream}`, { operation: "echo", maxItems: 7 });
    expect((await as(keys["admin"]!, { method: "PUT", ...own })).status).toBe(201);
    expect(await mine(`/api/streams/${theirs.stream}/windows`)).toMatchObject({ windows: [], total: 0 });
    expect(await mine(`/api/streams/${theirs.stream}/dead-letters`)).toMatchObject({ dead_letters: [], total: 0 });
    expect((await as(keys["admin"]!, { method: "DELETE", path: own.path })).status).toBe(200);
    const kept = json(await as(keys["theirs"]!, { path: own.path }));
    expect(kept).toMatchObject({ stream: { definition: { maxItems: 10 }, open_windows: 1, open_items: 1 } });
    // There is something to be seen: its owner sees it.
    const seen = async (path: string): Promise<string> => (await as(keys["theirs"]!, { path })).text;
    expect(await seen("/api/streams/detections/windows")).toContain("their-gate");
    expect(await seen("/api/system/pipeline")).toContain("their-gate");
    expect(await seen(`/api/streams/${theirs.stream}/dead-letters`)).toContain('"second"');
    expect(await seen("/api/queues/status")).toContain('"name":"echo"');
    expect(await seen("/api/system/pipeline-latency")).toContain('"sample_count":1');
  });

  it("are not quoted by what all share: a breaker tells its last error to the tenant whose item it was", async () => {
    const { breakers } = served.yard.engine;
    const error = "no answer about their secret";
    breakers.failed("echo", { tenant: "theirs", category: "transient", code: "ECONNREFUSED", error });
    for (const path of ["/api/system/breakers", "/api/system/pipeline"]) {
      for (const [key, tells] of [
        ["theirs", true],
        ["admin", false],
      ] as const) {
        const { text } = await as(keys[key]!, { path });
        expect([path, key, text.includes('"name":"echo"'), text.includes(error)]).toEqual([path, key, true, tells]);
      }
    }
    const reset = await as(keys["admin"]!, { method: "POST", path: "/api/system/breakers/echo/reset" });
    expect([reset.status, breakers.list()]).toEqual([200, []]);
    await as(keys["admin"]!, { method: "PUT", ...formed("/api/collections/toys/shelf-1", { owner: "ours" }) });
    expect((await as(keys["theirs"]!, { path: "/api/collections/toys/shelf-1" })).text).toContain('"owner":"theirs"');
  });

  it("answer their owner: the table asks for something that is there", async () => {
    for (const route of routes.filter(
      ({ method, guarded }) => method === "GET" && guarded.about !== undefined && guarded.endless !== true,
    )) {
      for (const about of route.guarded.about!(theirs))
        expect([route.name, (await as(keys["theirs"]!, about)).status]).toEqual([route.name, 200]);
    }
  });

  async function state(): Promise<unknown> {
    const { store, streams } = served.yard;
    const owner = { tenant: "theirs", actor: "test", role: "admin", credential: null, address: null } as const;
    return [
      streams.list(owner),
      streams.windows(owner, theirs.stream),
      await streams.deadLetters(owner, theirs.stream, { after: 0, limit: 10 }),
      await store.batches.get("theirs", theirs.batch),
      await store.openai.get("theirs", theirs.openai),
      await store.files.list("theirs", { before: null, limit: 10 }),
      await store.records.get("theirs", "toys", "shelf-1"),
      await store.access.keys("theirs"),
      await store.chunks.list("theirs", theirs.batch, { after: 0, limit: 10 }),
    ];
  }
});

describe("roles", () => {
  it("reach exactly what the table says, and nothing without a credential", async () => {
    const ranks: Record<string, number> = { public: 0, viewer: 1, operator: 2, admin: 3 };
    let checked = 0;
    for (const route of routes.filter(
      ({ guarded, path }) => guarded.endless !== true && path !== "/signin" && path !== "/api/session/logout",
    )) {
      const asked = {
        method: route.method,
        ...(route.guarded.body === null ? { path: sample(route.path) } : formed(sample(route.path), route.guarded.body)),
      };
      for (const role of ["viewer", "operator", "admin"]) {
        const answer = await as(await fresh(role as Role), asked);
        const refused = ranks[role]! < ranks[route.guarded.need]! || route.guarded.home === true;
        expect([role, route.name, answer.status === 403]).toEqual([role, route.name, refused]);
        expect([route.name, answer.status < 500]).toEqual([route.name, true]);
        expect([route.name, route.guarded.need === "public" ? "no-store" : answer.headers["cache-control"]]).toEqual([
          route.name,
          "no-store",
        ]);
        checked += 1;
      }
      const nobody = await ask(url, asked);
      expect([route.name, nobody.status === 401]).toEqual([route.name, route.guarded.need !== "public"]);
    }
    expect(checked).toBeGreaterThan(120);
  });

  const fresh = async (role: Role): Promise<string> =>
    (await issueKey(served.yard.store.access, { tenant: "roles", name: role, role }, Date.now())).secret;
});

describe("fields nobody may set", () => {
  it("are refused by name in every JSON body that is acted on", async () => {
    const described = json(await as(TOKEN, { path: "/openapi.json" })) as unknown as Described;
    const withBody = routes.filter(
      (route) =>
        described.paths[route.path]![route.method.toLowerCase()]?.requestBody?.content["application/json"] !== undefined &&
        route.path !== "/api/files",
    );
    expect(withBody.filter((route) => route.guarded.body === null).map((route) => route.name)).toEqual([]);
    expect(withBody.length).toBeGreaterThan(12);
    const openAi = withBody.filter((candidate) => candidate.path.startsWith("/v1/"));
    for (const { method, path, guarded } of openAi) {
      // OpenAI names one at a time.
      const answer = await as(keys["admin"]!, { method, ...formed(path, { tenant: "theirs", role: "admin", ...guarded.body }) });
      expect([answer.status, json(answer)]).toMatchObject([400, { error: { code: "unknown_parameter", param: "tenant" } }]);
    }
    for (const route of withBody.filter((candidate) => candidate.guarded.open !== true && !openAi.includes(candidate))) {
      const intruders = { tenant: "theirs", role: "admin", is_admin: true, created_at: "2020-01-01", __proto: 1 };
      const known = Object.keys(route.guarded.body!);
      const answer = await as(keys["admin"]!, {
        method: route.method,
        ...formed(sample(route.path), { ...intruders, ...route.guarded.body }),
      });
      expect([route.name, answer.status]).toEqual([route.name, 400]);
      const { details } = json(answer) as unknown as { details: { errors: { path: string; code: string }[] } };
      const allowed = route.path === "/api/keys" ? ["role", ...known] : known;
      expect([route.name, details.errors.map((fault) => `${fault.path} ${fault.code}`).sort()]).toEqual([
        route.name,
        Object.keys(intruders)
          .filter((name) => !allowed.includes(name))
          .map((name) => `${name} unknown_field`)
          .sort(),
      ]);
    }
  });
});

describe("cross-site requests", () => {
  const cookieOf = async (): Promise<string> => {
    const form = {
      path: "/signin",
      headers: { origin: ORIGIN, host: HOST, "content-type": "application/x-www-form-urlencoded" },
      body: `key=${keys["admin"]!}`,
    };
    return String((await ask(url, { method: "POST", ...form })).headers["set-cookie"]).split(";")[0]!;
  };

  it("with a cookie are refused on every unsafe route, however they are dressed", async () => {
    const cookie = await cookieOf();
    const dresses: Record<string, Record<string, string>> = {
      "no origin": {},
      "another origin": { origin: "https://evil.example" },
      "a null origin": { origin: "null" },
      "another port": { origin: `${ORIGIN}:8080` },
      "a longer host": { origin: `${ORIGIN}.evil.example` },
      "a cross-site fetch": { origin: ORIGIN, "sec-fetch-site": "cross-site" },
      "a same-site fetch": { origin: ORIGIN, "sec-fetch-site": "same-site" },
      "a form of another site": { origin: "https://evil.example", "content-type": "text/plain" },
    };
    let refused = 0;
    for (const route of routes.filter(({ method }) => UNSAFE.includes(method))) {
      for (const [dress, headers] of Object.entries(dresses)) {
        const answer = await ask(url, {
          method: route.method,
          path: sample(route.path),
          headers: { cookie, host: HOST, "content-type": "application/json", ...headers },
          body: JSON.stringify(route.guarded.body ?? {}),
        });
        const refusal = json(answer) as { code?: string; error?: { code: string } };
        expect([route.name, dress, answer.status, refusal.code ?? refusal.error?.code]).toEqual([
          route.name,
          dress,
          403,
          "cross_site_request",
        ]);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(150);
    // The session is still there: not one of the logouts went through.
    expect((await ask(url, { path: "/api/session", headers: { cookie } })).status).toBe(200);
  });

  it("of the same origin work without body and content type, and so does the form", async () => {
    const cookie = await cookieOf();
    const own = { cookie, host: HOST, origin: ORIGIN, "sec-fetch-site": "same-origin" };
    const created = json(
      await as(keys["operator"]!, { method: "POST", ...formed("/api/batch/create", { operation: "echo", total_items: 1 }) }),
    ) as unknown as { batch: { id: string } };
    for (const action of ["pause", "resume", "cancel"])
      expect([action, (await ask(url, { method: "POST", path: `/api/batch/${created.batch.id}/${action}`, headers: own })).status]).toEqual(
        [action, 200],
      );
    const withoutOrigin = { cookie, host: HOST, "sec-fetch-site": "same-origin" };
    expect((await ask(url, { method: "DELETE", path: "/api/batch/cleanup?dryRun=true", headers: withoutOrigin })).status).toBe(200);
    expect((await ask(url, { method: "POST", path: "/api/session/logout", headers: own })).status).toBe(200);
    expect((await ask(url, { path: "/api/session", headers: { cookie } })).status).toBe(401);
  });

  it("are allowed to read nothing: no origin is ever named in an answer", async () => {
    for (const path of ["/healthz", "/api/batch/stats", "/nothing"]) {
      const answer = await as(keys["admin"]!, { path, headers: { origin: "https://evil.example" } });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
    expect(
      (
        await as(keys["admin"]!, {
          method: "OPTIONS",
          path: "/api/batch/create",
          headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
        })
      ).status,
    ).toBe(405);
  });
});
