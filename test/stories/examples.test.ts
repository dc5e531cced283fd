import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "batchyard/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ROOT } from "../support/sources.ts";

const FROM_SOURCE = "--conditions=batchyard-source";
const CLI = join(ROOT, "src/cli/main.ts");
const TOKEN = "by_token_of_the_example_tests";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "batchyard-examples-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  out: string[];
  err: string;
}

/** Runs a command in the temporary directory until it ends. */
async function run(command: string, args: readonly string[], cwd = directory, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env["PATH"], BATCHYARD_TOKEN: TOKEN, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended: Ended = { code: null, out: [], err: "" };
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (ended.err += text));
  ended.code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  ended.out = out.split(/\r?\n/).filter((line) => line !== "");
  return ended;
}

const example = (name: string): Promise<Ended> => run(process.execPath, [FROM_SOURCE, join(ROOT, "examples", name)]);

describe("examples", () => {
  it("each one is run here", () => {
    const known = [
      "custom-operation",
      "external-worker",
      "first-batch.ts",
      "http-push.ts",
      "import-validate-report.ts",
      "openai-client.ts",
      "retry-and-errors.ts",
      "test-your-handler.ts",
    ];
    expect(readdirSync(join(ROOT, "examples")).toSorted()).toEqual(known);
  });

  it("first-batch.ts", async () => {
    const { code, out, err } = await example("first-batch.ts");
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out.slice(-2)).toEqual(["100 %", "completed: 2 of 2"]);
    expect(out.slice(0, -1).every((line) => /^\d+ %$/.test(line))).toBe(true);
    expect(existsSync(join(directory, "data/first-batch"))).toBe(true);
  });

  it("retry-and-errors.ts", async () => {
    const { code, out, err } = await example("retry-and-errors.ts");
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out).toEqual([
      "completed: 1 done, 2 failed, 2 tries repeated",
      "b no_name after 0 retries: The town has no name",
      "c not_served after 0 retries: The provider does not serve Atlantis",
      "epoch 2: 2 done, 1 failed",
    ]);
  });

  it("http-push.ts", async () => {
    const { code, out, err } = await example("http-push.ts");
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out).toEqual(["completed: 2 of 3", 'tea {"euros":3.5}', 'coffee {"euros":4.2}', "refund negative"]);
  });

  it("import-validate-report.ts", async () => {
    const { code, out, err } = await example("import-validate-report.ts");
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out).toEqual([
      "import: 5 done, 0 failed",
      "validate: 4 done, 1 failed",
      'order 1004: total must match pattern "^\\d+\\.\\d\\d$"',
      "report: 1 done, 0 failed",
      "country,count,sum total,total: not a number",
      "DE,2,5,1",
      "NL,2,27,0",
      "FR,1,42,0",
    ]);
  });

  it("test-your-handler.ts", async () => {
    const { code, out, err } = await example("test-your-handler.ts");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.join("\n")).toMatch(/pass 1\b[\s\S]*fail 0\b/);
  });

  it("custom-operation: batchyard.config.ts is found where the command runs", async () => {
    const cwd = join(ROOT, "examples/custom-operation");
    const { code, out, err } = await run(
      process.execPath,
      [FROM_SOURCE, CLI, "run", "slug", "--input", "titles.jsonl", "--options", '{"separator":"_"}'],
      cwd,
    );
    // 4: finished with failed items.
    expect(code).toBe(4);
    const results = out.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(results).toMatchObject([
      { nodeId: "1", success: true, result: "creme_brulee_twice" },
      { nodeId: "2", success: true, result: "the_39_steps" },
      { nodeId: "3", success: false, errorCode: "empty_slug" },
    ]);
    expect(err).toContain("completed: 2 succeeded, 1 failed of 3");
  });
});

describe("openai-client.ts", () => {
  it("runs a batch of a real server with the official client", async () => {
    const server = spawn(process.execPath, [FROM_SOURCE, CLI, "serve", "--data", "data", "--port", "0"], {
      cwd: directory,
      env: { PATH: process.env["PATH"], BATCHYARD_TOKEN: TOKEN, LOG_LEVEL: "warn" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    try {
      const url = await listening(server);
      const { code, out, err } = await run(process.execPath, [FROM_SOURCE, join(ROOT, "examples/openai-client.ts")], directory, {
        BATCHYARD_URL: url,
      });
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out[0]).toBe("completed: 2 of 2");
      expect(out.slice(1).sort()).toEqual(["review-1: positive", "review-2: negative"]);
    } finally {
      server.kill("SIGTERM");
      await new Promise((resolve) => server.once("close", resolve));
    }
  });
});

describe("external-worker", () => {
  it("two Python workers with the standard library do a batch of a real server", async () => {
    const python = spawnSync("python3", ["--version"]);
    expect(python.status, "this test needs python3 on the PATH: examples/external-worker/worker.py is not run without it").toBe(0);
    cpSync(join(ROOT, "examples/external-worker/worker.py"), join(directory, "worker.py"));
    const config = join(ROOT, "examples/external-worker/batchyard.config.ts");
    const server = spawn(process.execPath, [FROM_SOURCE, CLI, "serve", "--data", "data", "--port", "0", "--config", config], {
      cwd: directory,
      env: { PATH: process.env["PATH"], BATCHYARD_TOKEN: TOKEN, LOG_LEVEL: "warn" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    try {
      const url = await listening(server);
      const client = createClient({ url, token: TOKEN });
      const items = Array.from({ length: 240 }, (_, i) => (i % 40 === 7 ? { id: `t${i}` } : { id: `t${i}`, text: "word ".repeat(i % 5) }));
      const batch = await client.create({ operation: "count-words", options: { batchSize: 20 } }, items);
      const worker = (name: string): Promise<Ended> => run("python3", ["worker.py", "--url", url, "--name", name, "--until-idle"]);
      const workers = await Promise.all([worker("one"), worker("two")]);
      for (const { code, err } of workers) expect({ code, err }).toEqual({ code: 0, err: "" });
      const did = workers.map(({ out }) => Number(/did (\d+) items$/.exec(out.at(-1)!)?.[1]));
      expect(did[0]! + did[1]!).toBe(240);
      expect(await client.get(batch.id)).toMatchObject({
        status: "completed",
        executor: "external",
        succeeded_items: 234,
        failed_items: 6,
      });
      const results = await Array.fromAsync(client.results(batch.id));
      const byKey = new Map(results.map((result) => [result.nodeId, result]));
      expect(byKey.size).toBe(240);
      expect(byKey.get("t3")).toMatchObject({ success: true, result: { words: 3 } });
      expect(byKey.get("t47")).toMatchObject({ success: false, errorCode: "no_text" });
    } finally {
      server.kill("SIGTERM");
      await new Promise((resolve) => server.once("close", resolve));
    }
  });
});

function listening(server: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    server.stderr!.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const ready = /^ready (http:\S+)$/m.exec(said);
      if (ready !== null) resolve(ready[1]!);
    });
    server.once("close", () => reject(new Error(`The server ended before it was ready:\n${said}`)));
  });
}
