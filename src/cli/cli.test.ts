import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keptPort } from "../../test/support/port.ts";

/** The real command in its own process, without a server. */
const MAIN = join(import.meta.dirname, "main.ts");
let closedPort = 0;
beforeAll(async () => (closedPort = await keptPort()));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function batchyard(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { PATH: process.env["PATH"], BATCHYARD_PORT: String(closedPort), BATCHYARD_DATA: "/nonexistent/data" };
    execFile(process.execPath, [MAIN, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}

describe("wrong usage ends with 2 and says the cure", () => {
  it.each([
    [["lst"], "Did you mean list?"],
    [["list", "--limit", "0"], "whole number from 1 to 100"],
    [["list", "--status", "done"], "Allowed choices are pending, running"],
    [["list", "--since", "yesterday"], "12h or 7d"],
    [["results"], "missing required argument 'id'"],
    [["results", "b", "--failed", "--succeeded"], "cannot be used with"],
    [["run", "transform", "--options", '{"expression":"n"}'], "--input"],
    [["submit", "validate", "--input", "no-such-file.jsonl"], "There is no file no-such-file.jsonl"],
    [["submit", "validate", "--input", "/"], "is a directory"],
    [["submit", "validate", "--input", "x", "--options", "{"], "It must be JSON"],
    [["list", "--url", "nowhere"], "http://127.0.0.1:8377"],
  ])("%j", async (args, cure) => {
    const { code, stdout, stderr } = await batchyard(...args);
    expect(stderr).toContain(cure);
    expect(code).toBe(2);
    expect(stdout).toBe("");
  });
});

describe("without a server", () => {
  it("ends with 3 and says how to start one", async () => {
    const { code, stdout, stderr } = await batchyard("list", "--json");
    expect(code).toBe(3);
    expect(stdout).toBe("");
    expect(stderr).toContain(`Cannot reach http://127.0.0.1:${closedPort}`);
    expect(stderr).toContain("batchyard serve");
  });
});

describe("the credential", () => {
  let authorization: string | undefined;
  const server = createServer((request, response) => {
    authorization = request.headers.authorization;
    const known = authorization === "Bearer by_local_key_of_the_directory";
    response.writeHead(known ? 200 : 401, { "content-type": "application/json" });
    response.end(
      JSON.stringify(
        known
          ? { success: true, batches: [], count: 0, filter: {}, total: 0, nextCursor: null }
          : { success: false, error: "A valid credential is required", code: "unauthorized" },
      ),
    );
  });
  const data = mkdtempSync(join(tmpdir(), "batchyard-cli-"));
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    writeFileSync(join(data, "admin.key"), "by_local_key_of_the_directory\n", { mode: 0o600 });
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(data, { recursive: true });
  });
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  it("is the local key of the data directory", async () => {
    const { code, stdout } = await batchyard("list", "--json", "--url", url(), "--data", data);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ batches: [], count: 0, total: 0, nextCursor: null });
  });

  it("is asked for when there is none", async () => {
    const { code, stderr } = await batchyard("list", "--url", url());
    expect(code).toBe(1);
    expect(authorization).toBeUndefined();
    expect(stderr).toContain("Set BATCHYARD_TOKEN to an API key");
  });
});

describe("help", () => {
  it("goes to stdout and ends with 0", async () => {
    const { code, stdout } = await batchyard("--help");
    expect(code).toBe(0);
    expect(stdout).toContain("Exit codes: 0 ok, 1 error, 2 wrong usage, 3 server not reachable, 4 ended with failed items");
  });
});
