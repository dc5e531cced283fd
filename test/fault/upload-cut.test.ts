import { request as httpRequest, type ClientRequest } from "node:http";
import { describe, expect, it } from "vitest";
import { numbered } from "../support/fates.ts";
import { folders } from "../support/folder.ts";
import { faultsOf, recount } from "../support/recount.ts";
import { finished, program, ready, serve, TOKEN, type Served } from "../support/served.ts";
import { storedNumber, untilStored } from "../support/stored-rows.ts";

const ITEMS = 30_000;
const SENT = ITEMS * 0.6;
const UNSEALED = "SELECT COUNT(*) FROM batches WHERE sealed = 0";
const ROWS = "SELECT (SELECT COUNT(*) FROM batches) + (SELECT COUNT(*) FROM chunks) + (SELECT COUNT(*) FROM payloads)";
const KEY = "one-upload";

const newFolder = folders();
const REQUEST = { operation: "steady", name: "upload", options: { retryBackoffMs: 10 } };
const lines = (count: number): string =>
  [JSON.stringify(REQUEST), ...numbered(0, count).map((item) => JSON.stringify(item))].map((line) => `${line}\n`).join("");

/** Sends 60 % of an upload and keeps the connection open; resolves when the server has staged rows of it. */
async function sixtyPercent(served: Served, data: string): Promise<ClientRequest> {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/x-ndjson", "idempotency-key": KEY };
  const request = httpRequest(`${served.url}/api/batch/create`, { method: "POST", headers });
  request.on("error", () => {});
  request.write(lines(SENT));
  await untilStored(data, UNSEALED, (n) => n === 1);
  return request;
}

async function whole(served: Served, body: string, type = "application/x-ndjson"): Promise<{ status: number; id: string }> {
  const answer = await served.send("/api/batch/create", {
    method: "POST",
    headers: { "content-type": type, "idempotency-key": KEY },
    body,
  });
  const { batch } = (await answer.json()) as { batch?: { id: string } };
  return { status: answer.status, id: batch?.id ?? "" };
}

describe("an upload", () => {
  it("that is cut at 60 % leaves no batch, and can be sent again under its key", async () => {
    const data = newFolder();
    const served = await serve(data);
    const request = await sixtyPercent(served, data);
    request.destroy();
    await untilStored(data, ROWS, (n) => n === 0);
    expect((await served.client.history({})).batches).toEqual([]);
    const again = await whole(served, lines(ITEMS));
    expect(again.status).toBe(201);
    await finished(served.client, again.id);
    await served.child.end("SIGTERM");
    const { stored, findings } = await recount(data);
    expect(findings).toEqual([]);
    expect(stored).toHaveLength(1);
    expect(faultsOf(stored[0]!, 0, ITEMS, true)).toEqual([]);
  });

  it("whose server is killed leaves no batch, and no rows after the next start", async () => {
    const data = newFolder();
    const served = await serve(data);
    await sixtyPercent(served, data);
    expect(await served.child.end("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
    expect(storedNumber(data, UNSEALED)).toBe(1);
    const next = await serve(data);
    expect(storedNumber(data, ROWS)).toBe(0);
    expect((await next.client.history({})).batches).toEqual([]);
    expect((await whole(next, lines(ITEMS))).status).toBe(201);
  });
});

describe("a create whose server is killed after the commit and before the answer", () => {
  it.each([
    ["streamed", "application/x-ndjson"],
    ["with its items inline", "application/json"],
  ])("%s gives the same batch when it is sent again under its key", async (_, type) => {
    const data = newFolder();
    const body = type === "application/json" ? JSON.stringify({ ...REQUEST, items: numbered(0, 5000) }) : lines(5000);
    const dying = await ready(program("dies-unanswered.ts", [data]));
    await expect(whole(dying, body, type)).rejects.toThrow("fetch failed");
    expect(await dying.child.ended).toEqual({ code: null, signal: "SIGKILL" });
    expect(storedNumber(data, "SELECT COUNT(*) FROM batches WHERE sealed = 1")).toBe(1);

    const served = await serve(data);
    const [{ id } = { id: "none" }, ...others] = (await served.client.history({})).batches;
    expect(others).toEqual([]);
    expect(await whole(served, body, type)).toEqual({ status: 201, id });
    // And once more, now that the answer is kept.
    expect(await whole(served, body, type)).toEqual({ status: 201, id });
    expect((await served.client.history({})).batches).toHaveLength(1);
    await finished(served.client, id);
    await served.child.end("SIGTERM");
    const { stored, findings } = await recount(data);
    expect(findings).toEqual([]);
    expect(faultsOf(stored[0]!, 0, 5000, true)).toEqual([]);
  });
});
