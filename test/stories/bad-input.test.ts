import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueKey } from "../../src/api/auth/secrets.ts";
import { envelope } from "../../src/api/contract/access.ts";
import { serve, TOKEN, type Served } from "../../src/api/server.fixture.ts";
import { Batchyard } from "../../src/library/batchyard.ts";
import { systemClock, type Clock } from "../../src/model/clock.ts";
import { BatchyardError, type Fault } from "../../src/model/errors.ts";
import { ask, askRaw, type Answer, type Body } from "../support/ask.ts";
import { ACTION_CASES } from "../support/bad-input/action-cases.ts";
import { type BadCase, createText, HEAD, JSON_TYPE, NDJSON_TYPE, type World } from "../support/bad-input/case.ts";
import { CREATE_CASES } from "../support/bad-input/create-cases.ts";
import { DOOR_CASES } from "../support/bad-input/door-cases.ts";
import { QUERY_CASES } from "../support/bad-input/query-cases.ts";
import { STORED_CASES } from "../support/bad-input/stored-cases.ts";
import { UPLOAD_CASES } from "../support/bad-input/upload-cases.ts";
import { folders } from "../support/folder.ts";
import { serve as startChild, TOKEN as CHILD_TOKEN } from "../support/served.ts";

/** One table: every bad request, its documented answer, and that nothing of it is kept. */
const TABLE: readonly BadCase[] = [...CREATE_CASES, ...UPLOAD_CASES, ...QUERY_CASES, ...ACTION_CASES, ...STORED_CASES, ...DOOR_CASES];

/** The machine's time; what waits for a slow client waits for the test. */
class SlowClients implements Clock {
  private readonly waiting = new Set<() => void>();
  private told: () => void = () => undefined;
  now(): number {
    return Date.now();
  }
  elapsed(): number {
    return performance.now();
  }
  after(ms: number, fire: () => void): () => void {
    if (ms < 29_000 || ms > 30_000) return systemClock.after(ms, fire);
    this.waiting.add(fire);
    this.told();
    return () => void this.waiting.delete(fire);
  }
  /** Lets the time run out for the client that is waited for, as often as it is waited for, until it has its answer. */
  async runOut(answer: Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = answer.then(() => void (isOver = true));
    while (!isOver) {
      const armed = new Promise<void>((resolve) => (this.told = resolve));
      for (const fire of this.waiting) {
        this.waiting.delete(fire);
        fire();
      }
      await Promise.race([armed, over]);
    }
  }
}

let served: Served;
let url: string;
let world: World;
const clock = new SlowClients();

beforeAll(async () => {
  served = await serve({ clock, limits: { maxItems: 1_000 } });
  url = await served.listen();
  const { store } = served.yard;
  const key = (name: string, expiresAt: number | null) =>
    issueKey(store.access, { tenant: "default", name, role: "admin", expiresAt }, Date.now());
  const revoked = await key("revoked", null);
  await store.access.revokeKey("default", revoked.key.id, Date.now());
  const stranger = await served.key("admin", "stranger");
  const theirs = async (path: string, type: string, body: string): Promise<Record<string, { id: string }>> =>
    JSON.parse(
      (await ask(url, { method: "POST", path, headers: { authorization: `Bearer ${stranger}`, "content-type": type }, body })).text,
    ) as Record<string, { id: string }>;
  const done = await served.create({ operation: "echo", items: [{ id: "a" }, { id: "b", fail: "no" }] });
  await served.event("batch.completed", done);
  world = {
    done,
    open: await served.create({ operation: "echo", total_items: 3 }),
    theirBatch: (await theirs("/api/batch/create", "application/json", '{"operation":"echo","total_items":1}'))["batch"]!.id,
    theirFile: (await theirs("/api/files?filename=secret.csv", "text/csv", "id\n1\n"))["file"]!.id,
    keys: { viewer: await served.key("viewer"), expired: (await key("expired", 1)).secret, revoked: revoked.secret },
  };
  await ask(url, {
    ...createText('{"operation":"echo","items":[{"id":"1"}]}', {
      ...JSON_TYPE,
      "idempotency-key": "used",
      authorization: `Bearer ${TOKEN}`,
    }),
  });
});
afterAll(() => served.close());

/** Everything that a request could have left behind, whoever asked. */
async function kept(): Promise<unknown> {
  const { store, config } = served.yard;
  const of = async (tenant: string) => ({
    batches: (await store.batches.list({ tenant }, { limit: 1 })).total,
    files: (await store.files.list(tenant, { before: null, limit: 100 })).length,
    collections: await store.records.collections(tenant),
    keys: (await store.access.keys(tenant)).length,
  });
  const settled = (await store.batches.get("default", world.open))!;
  return {
    ours: await of("default"),
    theirs: await of("stranger"),
    disk: onDisk(config.data),
    open: [settled.status, settled.priority, settled.succeeded, settled.failed],
  };
}

/** Names below the data directory, without what SQLite and an upload in progress keep for themselves. */
function onDisk(data: string): string[] {
  return readdirSync(join(data, "files"), { recursive: true })
    .map(String)
    .filter((name) => /\/file-\w+$/.test(name) && !name.startsWith("incoming"))
    .sort();
}

function send(bad: BadCase): Promise<Answer> {
  const asked = typeof bad.send === "function" ? bad.send(world) : bad.send;
  if ("bytes" in asked) return askRaw(url, asked.bytes.replace("ADMIN", `Bearer ${TOKEN}`), { breakOff: asked.breakOff === true });
  return ask(url, { ...asked, headers: { authorization: `Bearer ${TOKEN}`, ...asked.headers } });
}

/** What no answer may tell. */
const INSIDES = /\n\s+at |node_modules|\.ts:\d|SQLITE|\bSELECT\b.*\bFROM\b|\/tmp\//;

function check(bad: Pick<BadCase, "status" | "code" | "says" | "faults">, answer: Answer): void {
  // Whoever breaks off hears nothing.
  if (bad.status === 0 && answer.status === 0) return;
  expect([answer.status, (JSON.parse(answer.text) as { code: string }).code]).toEqual([bad.status, bad.code]);
  const body = envelope.parse(JSON.parse(answer.text));
  expect(body.requestId).toBe(answer.headers["x-request-id"]);
  expect(answer.text).not.toMatch(INSIDES);
  checkFaults(bad, body.error, body.details?.errors ?? []);
}

function checkFaults(bad: Pick<BadCase, "says" | "faults">, sentence: string, errors: readonly Fault[]): void {
  const sentences = [sentence, ...errors.map((fault) => fault.message)].join("\n");
  for (const part of bad.says ?? []) expect(sentences).toContain(part);
  const found = errors.map((fault) => `${fault.path} ${fault.code}`).sort();
  expect(found).toEqual(bad.faults === undefined ? found : [...bad.faults].sort());
}

describe("bad input over HTTP", () => {
  it("is a table of more than eighty cases with names of their own", () => {
    expect(TABLE.length).toBeGreaterThanOrEqual(80);
    expect(TABLE.map((bad) => bad.name).filter((name, i, names) => names.indexOf(name) !== i)).toEqual([]);
    console.log(
      `bad input: ${TABLE.length} cases over HTTP, ${TABLE.filter((bad) => bad.request !== undefined).length} of them from a program too`,
    );
  });

  it.each(TABLE.map((bad) => [bad.name, bad] as const))("%s", async (_name, bad) => {
    const before = await kept();
    const answer = await send(bad);
    check(bad, answer);
    expect(await kept()).toEqual(before);
  });

  it.each([
    ["a JSON request", "/api/batch/create", "application/json", '{"operation":'],
    ["a stream", "/api/batch/create?stream=1", "application/x-ndjson", HEAD],
    ["a file", "/api/files?filename=x.csv", "text/csv", "id"],
    [
      "a form",
      "/api/files",
      "multipart/form-data; boundary=b",
      '--b\r\ncontent-disposition: form-data; name="f"; filename="x.csv"\r\n\r\nid',
    ],
    ["a form that does not begin", "/api/files", "multipart/form-data; boundary=b", "-"],
  ])("%s that does not go on is ended with 408", async (_name, path, type, start) => {
    const before = await kept();
    const head = [
      `POST ${path} HTTP/1.1`,
      "host: x",
      `authorization: Bearer ${TOKEN}`,
      `content-type: ${type}`,
      "content-length: 5000",
      "",
      start,
    ];
    const answer = askRaw(url, head.join("\r\n"));
    await clock.runOut(answer);
    check({ status: 408, code: "upload_too_slow" }, await answer);
    expect(await kept()).toEqual(before);
  });

  it("a hundred bad lines are listed and the rest is counted", async () => {
    const answer = await ask(url, { ...createText(HEAD + "nonsense\n".repeat(900), { ...NDJSON_TYPE, authorization: `Bearer ${TOKEN}` }) });
    const body = envelope.parse(JSON.parse(answer.text));
    expect(body.details?.errors).toHaveLength(100);
    expect(body.error).toContain("900");
  });

  it("a stream that is refused at its first line leaves the connection for the next request", async () => {
    const lines = `{"operation":5}\n${'{"x":1}\n'.repeat(200_000)}`;
    const one = [
      "POST /api/batch/create?stream=1 HTTP/1.1",
      "host: x",
      `authorization: Bearer ${TOKEN}`,
      "content-type: application/x-ndjson",
      `content-length: ${lines.length}`,
      "",
      lines,
    ].join("\r\n");
    const two = ["GET /healthz HTTP/1.1", "host: x", "connection: close", "", ""].join("\r\n");
    const answers = await askRaw(url, one + two);
    expect(answers.status).toBe(400);
    expect(answers.text).toContain('{"status":"ok"}');
  });

  it("what only looks bad is taken as it is", async () => {
    const text = String.raw`{"id":"p","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"n":9007199254740993,"sql":"'; drop table batches;--","html":"<script>","cell":"=1+1"}`;
    const sent = await ask(url, {
      ...createText(`\ufeff${HEAD.trim()}\r\n\r\n${text}\r\n{"id":"q"}`, { ...NDJSON_TYPE, authorization: `Bearer ${TOKEN}` }),
    });
    expect(sent.status).toBe(201);
    const { batch } = JSON.parse(sent.text) as { batch: { id: string; total_items: number } };
    expect(batch.total_items).toBe(2);
    const item = await ask(url, { path: `/api/batch/${batch.id}/items/p`, headers: { authorization: `Bearer ${TOKEN}` } });
    expect(item.text).toContain(`"payload":${text}`);
    const record = {
      method: "PUT",
      path: "/api/collections/odd/k",
      headers: { ...JSON_TYPE, authorization: `Bearer ${TOKEN}` },
      body: '{"__proto__":{"polluted":1},"a":1}',
    };
    expect((await ask(url, record)).text).toContain('"data":{"__proto__":{"polluted":1},"a":1}');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it("after all of it the server is ready and a good batch completes", async () => {
    expect((await ask(url, { path: "/readyz" })).status).toBe(200);
    const id = await served.create({ operation: "echo", items: [{ id: "1" }, { id: "2" }] });
    await served.event("batch.completed", id);
    expect(served.logged.filter((line) => (JSON.parse(line) as { level: number }).level >= 50)).toEqual([]);
  });
});

describe("bombs", () => {
  const newFolder = folders();
  /** What the whole server may take at its peak; ten times the bombs take no more. */
  const BOUND_MB = 512;
  const LIMIT = 100_000_000;
  const lineBreak = Buffer.from("\n");

  /** Peak of a process's memory, MB, as Linux counts it. */
  const peakMb = (pid: number): number => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;

  /** Processor time a process has used, seconds: ticks of 10 ms behind the name in parentheses. */
  const cpuSeconds = (pid: number): number => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  };

  /** `count` pieces, made when they are asked for. */
  async function* endless(
    start: string,
    piece: Uint8Array,
    count: number,
    taken: (bytes: number) => void = () => undefined,
  ): AsyncGenerator<Uint8Array> {
    yield Buffer.from(start);
    for (let n = 0; n < count; n++) {
      taken(piece.length);
      yield piece;
    }
  }

  it(`leave the server below ${BOUND_MB} MB, whatever they pretend to be`, async () => {
    const running = await startChild(newFolder(), {
      env: { BATCHYARD_MAX_UPLOAD_BYTES: String(LIMIT), BATCHYARD_MAX_BODY_BYTES: "16000000" },
    });
    const authorization = `Bearer ${CHILD_TOKEN}`;
    const json = { "content-type": "application/json", authorization };
    const lines = { "content-type": "application/x-ndjson", authorization };
    const refused = async (
      status: number,
      code: string,
      body: Body,
      headers: Record<string, string> = lines,
      path = "/api/batch/create",
    ): Promise<void> => {
      const answer = await ask(running.url, { method: "POST", path, headers, body });
      check({ status, code }, answer);
    };
    const good = async (): Promise<void> => {
      const { text } = await ask(running.url, {
        method: "POST",
        path: "/api/batch/create",
        headers: json,
        body: '{"operation":"steady","items":[{"id":"1","n":1}]}',
      });
      const { id } = (JSON.parse(text) as { batch: { id: string } }).batch;
      let status = "";
      for await (const update of running.client.watch(id)) status = update.status;
      expect(status).toBe("completed");
    };
    await good();
    const before = peakMb(running.child.pid);

    const head = '{"operation":"steady"}\n';
    // 1.2 GB without a line break: refused at a megabyte and one byte.
    let sent = 0;
    await refused(
      413,
      "line_too_long",
      endless(`${head}{"a":"`, Buffer.alloc(1_000_000, 0x61), 1_200, (bytes) => (sent += bytes)),
    );
    expect(sent).toBeLessThan(LIMIT);
    // 10 MB that unpack to 10 GB: a thousand members of one file.
    const member = gzipSync(Buffer.concat(Array.from({ length: 10 }, () => Buffer.concat([Buffer.alloc(999_999, 0x20), lineBreak]))));
    const cpu = cpuSeconds(running.child.pid);
    await refused(413, "unpacked_too_large", Buffer.concat([gzipSync(head), ...Array.from({ length: 1_000 }, () => member)]), {
      ...lines,
      "content-encoding": "gzip",
    });
    expect(cpuSeconds(running.child.pid) - cpu).toBeLessThan(2);
    // Brackets, commas, keys and digits, 15 MB of each.
    const many = 15_000_000;
    await refused(400, "validation_failed", `{"operation":"steady","metadata":${"[".repeat(many)}`, json);
    await refused(400, "bad_items", `{"operation":"steady","items":[${"[".repeat(many / 2)}${"]".repeat(many / 2)}]}`, json);
    await refused(413, "too_many_items", `{"operation":"steady","items":[${",".repeat(many)}]}`, json);
    await refused(400, "validation_failed", `{"operation":"steady","metadata":{"${"k".repeat(many)}":1}}`, json);
    await refused(400, "validation_failed", `{"operation":"steady","total_items":${"9".repeat(many)}}`, json);
    await refused(400, "bad_items", endless(head, Buffer.from(`${"x".repeat(99)}\n`.repeat(10_000)), 50), lines);
    await refused(
      413,
      "too_large",
      endless("", Buffer.alloc(1_000_000, 0x20), 120),
      { ...lines, "content-type": "text/csv" },
      "/api/files?filename=x.csv",
    );

    await good();
    expect((await fetch(`${running.url}/readyz`)).status).toBe(200);
    const peak = peakMb(running.child.pid);
    console.log(`bombs: the server took ${Math.round(peak)} MB at its peak, ${Math.round(before)} MB before them`);
    expect(peak).toBeLessThan(BOUND_MB);
  });
});

describe("bad input from a program", () => {
  const yard = (): Batchyard => new Batchyard(served.yard, "default");
  const refused = (request: unknown): Promise<BatchyardError> =>
    yard()
      // What JavaScript callers can do that TypeScript would not let them.
      .createBatch(request as Parameters<Batchyard["createBatch"]>[0])
      .then(
        () => Promise.reject(new Error("it was accepted")),
        (error: unknown) => (error instanceof BatchyardError ? error : Promise.reject(error as Error)),
      );

  it.each(TABLE.flatMap((bad) => (bad.request === undefined ? [] : [[bad.name, bad.request, bad] as const])))(
    "%s",
    async (_name, request, bad) => {
      const before = await kept();
      const error = await refused(request);
      expect(error.code).toBe(bad.code);
      checkFaults(bad, error.message, error.errors ?? []);
      expect(await kept()).toEqual(before);
    },
  );

  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  let abyss: unknown = 1;
  for (let level = 0; level < 10_000; level++) abyss = [abyss];

  it.each([
    ["NaN in an item", { operation: "echo", items: [{ n: Number.NaN }] }, "bad_items", "items.0 number_out_of_range"],
    ["a BigInt in an item", { operation: "echo", items: [{ n: 1n }] }, "bad_items", "items.0 not_serialisable"],
    ["a cycle", { operation: "echo", items: [cycle] }, "bad_items", "items.0 not_serialisable"],
    ["an abyss", { operation: "echo", items: [{ abyss }] }, "bad_items", "items.0 too_deep"],
    ["a function as an item", { operation: "echo", items: [() => 1] }, "bad_items", "items.0 not_serialisable"],
    ["undefined as an item", { operation: "echo", items: [undefined] }, "bad_items", "items.0 not_serialisable"],
    ["null as an item", { operation: "echo", items: [null] }, "bad_items", "items.0 item_not_object"],
    ["NaN as an option", { operation: "echo", items: [], options: { batchSize: Number.NaN } }, "validation_failed", " number_out_of_range"],
    [
      "Infinity as a deadline",
      { operation: "echo", items: [], options: { timeout: Number.POSITIVE_INFINITY } },
      "validation_failed",
      " number_out_of_range",
    ],
    ["a BigInt in the metadata", { operation: "echo", items: [], metadata: { n: 1n } }, "validation_failed", " not_serialisable"],
    ["a cycle in the metadata", { operation: "echo", items: [], metadata: cycle }, "validation_failed", " not_serialisable"],
    [
      "an own __proto__ in the metadata",
      { operation: "echo", items: [], metadata: JSON.parse('{"__proto__":{"x":1}}') as object },
      "validation_failed",
      " forbidden_key",
    ],
    ["items that are no list", { operation: "echo", items: { id: "1" } }, "validation_failed", "items invalid_type"],
    ["nothing at all", null, "validation_failed", " invalid_type"],
  ])("%s", async (_name, request, code, fault) => {
    const before = await kept();
    const error = await refused(request);
    expect([error.code, ...(error.errors ?? []).map(({ path, code: found }) => `${path} ${found}`)]).toEqual([code, fault]);
    expect(await kept()).toEqual(before);
  });

  it("an iterable that throws in the middle leaves nothing behind", async () => {
    const before = await kept();
    async function* items(): AsyncGenerator<object> {
      for (let n = 0; n < 5_000; n++) yield { n };
      throw new Error("the source broke");
    }
    await expect(yard().createBatch({ operation: "echo", items: items() })).rejects.toThrow("the source broke");
    expect(await kept()).toEqual(before);
  });
});
