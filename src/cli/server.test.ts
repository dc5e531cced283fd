import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient, type Client } from "../client/index.ts";

/** The real command against the real server, each in its own process. */
const MAIN = join(import.meta.dirname, "main.ts");
const directory = mkdtempSync(join(tmpdir(), "batchyard-serve-"));
const data = join(directory, "data");
const temporary = join(directory, "tmp");
const SCHEMA = JSON.stringify({ schema: { type: "object", required: ["price"] } });

let server: ChildProcess;
let url = "";
const said: string[] = [];

beforeAll(async () => {
  mkdirSync(temporary);
  server = spawn(process.execPath, [MAIN, "serve", "--data", data, "--port", "0"], {
    env: { PATH: process.env["PATH"], LOG_LEVEL: "warn" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for await (const line of createInterface({ input: server.stderr! })) {
    said.push(line);
    const ready = /^ready (http:\/\/127\.0\.0\.1:\d+)$/.exec(line);
    if (ready !== null) {
      url = ready[1]!;
      break;
    }
  }
  writeFileSync(join(directory, "good.jsonl"), Array.from({ length: 50 }, (_, n) => `{"id":"p${n}","price":${n}}\n`).join(""));
  writeFileSync(join(directory, "mixed.csv"), "id,price\na,1\nb,\nc,3\n");
});

afterAll(async () => {
  if (server.exitCode === null) {
    server.kill("SIGKILL");
    await once(server, "exit");
  }
  rmSync(directory, { recursive: true });
});

function batchyard(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { PATH: process.env["PATH"], TMPDIR: temporary }, cwd: directory },
      (error, stdout, stderr) => resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}

const remote = (...args: string[]) => batchyard(...args, "--url", url, "--data", data);

function client(): Client {
  return createClient({ url, token: readFileSync(join(data, "admin.key"), "utf8").trim() });
}

describe("serve", () => {
  it("says how to sign in, then that it is ready, and keeps its key to its owner", () => {
    expect(said).toEqual([expect.stringMatching(/^Sign in .*http:\/\/127\.0\.0\.1:\d+\/signin\?token=/), `ready ${url}`]);
    expect(statSync(join(data, "admin.key")).mode & 0o777).toBe(0o600);
  });

  it("refuses a second server on the same data", async () => {
    const { code, stderr } = await batchyard("serve", "--data", data, "--port", "0");
    expect(code).toBe(1);
    expect(stderr).toContain(`in use by pid ${server.pid}`);
  });

  it("refuses a port that is taken, with the cure", async () => {
    const { code, stderr } = await batchyard("serve", "--data", join(directory, "other"), "--port", new URL(url).port);
    expect(code).toBe(1);
    expect(stderr).toContain("choose another port with --port");
  });
});

describe("commands against a server", () => {
  it("submit, watch, list, status, results and why", async () => {
    const submitted = await remote("submit", "validate", "--input", "good.jsonl", "--options", SCHEMA, "--name", "good ones", "--watch");
    expect(submitted.stderr).toContain("completed: 50 succeeded, 0 failed of 50");
    expect(submitted.code).toBe(0);
    const id = submitted.stdout.trim();

    const list = await remote("list", "--name", "good", "--json");
    expect(JSON.parse(list.stdout)).toMatchObject({ total: 1, batches: [{ id, status: "completed", progress: 100 }] });

    const status = await remote("batch-status", id, "--json");
    expect(status.code).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({ id, total_items: 50, succeeded_items: 50, errors: [], why: null });
    expect((await remote("batch-status", id)).stdout).toContain("50 total, 50 succeeded, 0 failed");

    const results = (await remote("results", id)).stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { nodeId: string });
    expect(new Set(results.map((result) => result.nodeId)).size).toBe(50);
    expect((await remote("why", id)).stdout).toContain(`${id} is completed`);
    expect((await remote("cancel", id)).stderr).toContain(`Batch ${id} is completed and cannot be cancelled.`);
  });

  it("ends with 4 when items failed, and retries them", async () => {
    const submitted = await remote(
      "submit",
      "validate",
      "--input",
      "mixed.csv",
      "--options",
      JSON.stringify({ schema: { properties: { price: { minLength: 1 } } } }),
      "--watch",
    );
    expect(submitted.code).toBe(4);
    const id = submitted.stdout.trim();
    expect((await remote("batch-status", id)).code).toBe(4);
    const failed = (await remote("results", id, "--failed")).stdout.trimEnd().split("\n");
    expect(failed.map((line) => (JSON.parse(line) as { nodeId: string }).nodeId)).toEqual(["b"]);
    const retried = await remote("retry", id, "--watch");
    expect(retried.stderr).toContain(`Retrying 1 item of ${id} (run 2)`);
    expect(retried.code).toBe(4);
    writeFileSync(join(directory, "edits.json"), '{"b":{"id":"b","price":"7"}}');
    expect((await remote("replay", id, "--failed", "--dry-run")).stderr).toContain("Would create a batch with 1 item in 1 chunk");
    const replayed = await remote("replay", id, "--failed", "--edit", "edits.json", "--watch");
    expect([replayed.code, replayed.stderr]).toEqual([0, expect.stringContaining(`with 1 item of ${id}`)]);
    expect((await remote("batch-status", replayed.stdout.trim(), "--json")).stdout).toContain(`"replay_of": "${id}"`);
    expect((await remote("replay", id, "--failed", "--item", "b")).code).toBe(2);
    const exported = await remote("export", id, "--output", "out.csv");
    expect(exported.code).toBe(0);
    expect(readFileSync(join(directory, "out.csv"), "utf8").split("\r\n")[0]).toMatch(/^nodeId,success,/);
  });

  it.each(["batch-status", "results", "why", "cancel", "pause", "resume", "retry", "replay", "export"])(
    "%s of an unknown batch ends with 1",
    async (command) => {
      const { code, stderr } = await remote(command, "batch_1_aaaaaaaaa");
      expect(stderr).toBe("Batch batch_1_aaaaaaaaa not found.\n");
      expect(code).toBe(1);
    },
  );

  it("says every fault of a refused request", async () => {
    const { code, stderr } = await remote(
      "submit",
      "validate",
      "--input",
      "good.jsonl",
      "--options",
      '{"schema":{},"batchSize":0,"retryAttempts":99}',
    );
    expect(code).toBe(1);
    expect(stderr).toContain("batchSize");
    expect(stderr).toContain("retryAttempts");
  });

  it("makes, lists and revokes keys", async () => {
    const made = await remote("keys", "create", "ci", "--role", "viewer", "--json");
    const key = JSON.parse(made.stdout) as { id: string; secret: string };
    expect((await remote("keys", "list")).stdout).toContain(key.id);
    expect((await remote("keys", "list")).stdout).not.toContain(key.secret);
    await createClient({ url, token: key.secret }).stats();
    expect((await remote("keys", "revoke", key.id)).code).toBe(0);
    await expect(createClient({ url, token: key.secret }).stats()).rejects.toMatchObject({ code: "invalid_key" });
  });

  it("backs up and checks the store while the server runs", async () => {
    const file = join(directory, "backup.db");
    expect((await batchyard("backup", file, "--data", data)).code).toBe(0);
    expect(existsSync(file)).toBe(true);
    expect((await batchyard("backup", file, "--data", data)).stderr).toContain("exists already");
    expect((await remote("keys", "create", "audited")).code).toBe(0);
    const verified = await batchyard("audit", "verify", "--data", data);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/^ok +\d+ entr(y|ies), head \d+:[0-9a-f]{64}\n$/)]);
    const accepted = await remote("audit", "accept", "--reason", "nothing is wrong");
    expect([accepted.code, accepted.stderr]).toEqual([1, expect.stringContaining("there is nothing to accept")]);
    const exported = (await batchyard("audit", "export", "--data", data)).stdout.trimEnd().split("\n");
    const last = JSON.parse(exported.at(-1)!) as { seq: number; hash: string };
    expect(verified.stdout).toContain(`${exported.length} entr`);
    expect(verified.stdout).toContain(`${last.seq}:${last.hash}`);
    expect((await batchyard("audit", "verify", "--data", data, "--head", `${last.seq}:${last.hash}`)).code).toBe(0);
    expect((await batchyard("audit", "verify", "--data", data, "--head", `${last.seq}:${"0".repeat(64)}`)).code).toBe(1);
    const doctor = await batchyard("doctor", "--data", data, "--json");
    expect(
      (JSON.parse(doctor.stdout) as { checks: { name: string; ok: boolean }[] }).checks.filter((check) => check.name === "store"),
    ).toEqual([expect.objectContaining({ ok: true })]);
  });
});

describe("the client library against a server", () => {
  it("hears a batch from its creation to its end, in order", async () => {
    const yard = client();
    const heard: string[] = [];
    await new Promise<void>((resolve) => yard.on("connection:open", () => resolve()));
    yard.on("batch:created", (batch) => heard.push(`created ${batch.id}`));
    yard.on("batch:progress", (progress) => heard.push(`progress ${progress.batchId}`));
    const ended = new Promise<string>((resolve) => yard.on("batch:completed", ({ batchId }) => resolve(batchId)));
    const batch = await yard.create({ operation: "validate", options: { schema: {} } }, [{ id: "a" }, { id: "b" }]);
    expect(await ended).toBe(batch.id);
    yard.close();
    expect(heard[0]).toBe(`created ${batch.id}`);
    expect(heard.at(-1)).toBe(`progress ${batch.id}`);
  });

  it("streams items up, watches, and streams results down", async () => {
    const yard = client();
    async function* items(): AsyncGenerator<Record<string, unknown>, void, undefined> {
      for (let n = 0; n < 5_000; n += 1) yield { id: `n${n}`, n };
    }
    const batch = await yard.create({ operation: "transform", options: { expression: "n + 1" } }, items());
    let last = 0;
    for await (const progress of yard.watch(batch.id)) last = progress.progress;
    expect(last).toBe(100);
    let sum = 0;
    for await (const result of yard.results(batch.id)) sum += result.result as number;
    expect(sum).toBe((5_000 * 5_001) / 2);
    expect(await yard.reconcile(batch.id)).toMatchObject({ ok: true, expected: 5_000 });
    expect((await yard.viz(batch.id)).overview.successRate).toBe(1);
  });
});

describe("streams", () => {
  it("are made, filled from a file, shown and flushed", async () => {
    expect(
      (
        await remote(
          "streams",
          "put",
          "prices",
          '{"operation":"transform","options":{"expression":"price"},"windowSeconds":600,"idleTimeoutSeconds":300}',
        )
      ).code,
    ).toBe(0);
    const pushed = await remote("push", "prices", "good.jsonl");
    expect([pushed.code, pushed.stdout]).toEqual([0, "50\n"]);
    const again = await remote("push", "prices", "good.jsonl");
    expect([again.code, again.stdout]).toEqual([4, "0\n"]);
    expect(again.stderr).toContain("Key 'p0' is already in the open window");
    expect((await remote("streams")).stdout).toMatch(/prices +transform +active +1 +50/);
    expect((await remote("streams", "windows", "prices")).stdout).toMatch(/batch_\d+_\w+ +50/);
    const { stdout } = await remote("streams", "flush", "prices");
    expect(stdout).toMatch(/^batch_\d+_\w{9}\n$/);
    expect(JSON.parse((await remote("list", "--json")).stdout)).toMatchObject({
      batches: expect.arrayContaining([expect.objectContaining({ id: stdout.trim(), close_reason: "manual" })]) as unknown,
    });
    expect((await remote("streams", "delete", "prices")).code).toBe(0);
    expect((await remote("push", "prices", "good.jsonl")).stderr).toContain("There is no stream 'prices'");
    expect((await remote("push", "prices", "mixed.csv")).code).toBe(2);
  });
});

describe("run", () => {
  it("needs no server and leaves nothing behind", async () => {
    const { code, stdout, stderr } = await batchyard("run", "validate", "--input", "good.jsonl", "--options", SCHEMA);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(50);
    expect(stderr).toContain("completed: 50 succeeded, 0 failed of 50");
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("writes tables, names what failed, and ends with 4", async () => {
    const { code, stdout, stderr } = await batchyard(
      "run",
      "validate",
      "--input",
      "mixed.csv",
      "--options",
      JSON.stringify({ schema: { properties: { price: { minLength: 1 } } } }),
      "--output",
      "checked.csv",
    );
    expect(code).toBe(4);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/1 × schema_invalid: price/);
    expect(readFileSync(join(directory, "checked.csv"), "utf8").trimEnd().split("\r\n")).toHaveLength(4);
  });

  it("runs the operations of batchyard.config.ts", async () => {
    writeFileSync(
      join(directory, "own.config.ts"),
      `import { defineOperation } from ${JSON.stringify(join(import.meta.dirname, "..", "operations", "define.ts"))};
export default { operations: [defineOperation({ name: "double", processItem: (item: { price: number }) => ({ result: item.price * 2 }) })] };`,
    );
    const { code, stdout } = await batchyard("run", "double", "--input", "good.jsonl", "--config", "own.config.ts");
    expect(code).toBe(0);
    expect(stdout).toContain('"nodeId":"p7","success":true,"result":14');
  });

  it("names the operations there are", async () => {
    const { code, stderr } = await batchyard("run", "validat", "--input", "good.jsonl");
    expect(code).toBe(1);
    expect(stderr).toMatch(/There is no operation 'validat'; known: .*validate/);
  });
});

describe("settings preview", () => {
  it("says plainly that nothing was recorded, then compares and draws a curve; a bad value is named", async () => {
    // No window closes by itself meanwhile.
    expect((await remote("settings", "set", "batch.window_seconds=600", "batch.idle_timeout_seconds=300")).code).toBe(0);
    const empty = await remote("settings", "preview", "batch.window_seconds=500");
    expect([empty.code, empty.stdout]).toEqual([0, ""]);
    expect(empty.stderr).toContain("No arrivals of detections are recorded in that time");
    const lines = Array.from({ length: 40 }, (_, n) =>
      JSON.stringify({ camera_id: `c${n % 2}`, detection_id: n, label: "car", confidence: 0.5 }),
    );
    await client().streams.push(
      "detections",
      lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    );
    const tried = await remote("settings", "preview", "batch.max_detections=10", "monitoring.retention_days=20");
    expect(tried.stdout).toMatch(/BATCHES +ITEMS\/BATCH/);
    expect(tried.stdout).toMatch(/^now +0 /m);
    expect(tried.stdout).toMatch(/^then +4 +10\.0 .*max_size 4$/m);
    expect(tried.stderr).toContain("monitoring.retention_days says nothing about when windows close");
    const curve = await remote("settings", "preview", "--sweep", "batch.max_detections=5..20/4");
    expect(curve.stdout.split("\n").map((line) => line.split(/ +/).slice(0, 2))).toEqual([
      ["batch.max_detections", "BATCHES"],
      ["5", "8"],
      ["10", "4"],
      ["15", "2"],
      ["20", "2"],
      [""],
    ]);
    const json = await remote("settings", "preview", "--json", "--sweep", "batch.max_detections=5,20");
    expect(JSON.parse(json.stdout)).toMatchObject({ recorded: true, sweep: { points: [{ value: 5 }, { value: 20 }] } });
    const bad = await remote("settings", "preview", "batch.window_seconds=601");
    expect([bad.code, bad.stdout]).toEqual([1, ""]);
    expect(bad.stderr).toContain("batch.window_seconds");
    expect((await remote("settings", "preview", "--sweep", "batch.max_detections=a")).code).toBe(2);
    expect(await client().streams.previewHistory("detections")).toEqual([]);
    expect(await client().streams.preview("detections", { maxItems: 20 })).toMatchObject({ candidate: { batches: 2 } });
  });
});

describe("the end", () => {
  it("SIGTERM ends the server with 0 and frees the data", async () => {
    server.kill("SIGTERM");
    const [code] = (await once(server, "exit")) as [number | null];
    expect(code).toBe(0);
    expect((await batchyard("migrate", "--data", data)).code).toBe(0);
    expect((await remote("list")).code).toBe(3);
  });
});
