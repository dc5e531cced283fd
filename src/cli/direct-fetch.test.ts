import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createClient } from "../client/index.ts";
import { directFetch } from "./direct-fetch.ts";

let server: Server;
let url = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === "/elsewhere") return void response.writeHead(302, { location: "/" }).end();
    if (request.url === "/parts") return void response.write("first ");
    if (request.url === "/busy") return void response.writeHead(409, { "content-type": "application/json" }).end(`{"error":"Taken","code":"taken"}`); // prettier-ignore
    let said = "";
    request
      .on("data", (piece) => (said += String(piece)))
      .on("end", () => response.setHeader("x-many", ["a", "b"]).end(JSON.stringify({ said, token: request.headers.authorization })));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it("sends text and reads the answer, and an error as the server told it", async () => {
  const client = createClient({ url, token: "secret-key", fetch: directFetch });
  expect(await client.request("/", { method: "POST", json: { a: "ü" } })).toEqual({ said: `{"a":"ü"}`, token: "Bearer secret-key" });
  await expect(client.request("/busy")).rejects.toMatchObject({ status: 409, code: "taken", message: "Taken" });
  expect((await directFetch(url, {})).headers.get("X-Many")).toBe("a, b");
});

it("hands the body on as it comes, until it is aborted", async () => {
  const stop = new AbortController();
  const { body } = await directFetch(`${url}/parts`, { signal: stop.signal });
  const reader = body!.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("first ");
  const next = reader.read();
  stop.abort();
  await expect(next).rejects.toThrow("aborted");
});

it("does not follow, and says why it cannot reach", async () => {
  const client = createClient({ url, fetch: directFetch });
  await expect(client.request("/elsewhere")).rejects.toMatchObject({ code: "unreachable", message: expect.stringContaining("302") });
  const nobody = createClient({ url: "http://127.0.0.1:9", fetch: directFetch });
  await expect(nobody.request("/")).rejects.toMatchObject({ message: "Cannot reach http://127.0.0.1:9 (ECONNREFUSED)" });
  await expect(directFetch(url, { method: "POST", body: new Blob(["x"]) })).rejects.toThrow("Only text");
});
