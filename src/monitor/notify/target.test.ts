import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { request } from "undici";
import { describe, expect, it } from "vitest";
import { Targets } from "./target.ts";

describe("where webhooks of requests may go", () => {
  it.each([
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://[::ffff:7f00:1]/",
    "http://[::1]/",
    "http://[fd00::1]/",
    "http://169.254.169.254/latest/meta-data",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://0.0.0.0/",
    "http://localhost/",
    "http://printer/",
    "http://db.internal/",
    "https://user@example.com/",
    "https://:secret@example.com/",
    "https://example.com:6379/",
    "gopher://example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "no url",
    "",
  ])("not to %s", (url) => {
    expect(new Targets([]).refusal(url)).not.toBeNull();
  });

  it.each(["https://example.com/hook", "http://hooks.example.com:8080/a?b=c", "https://8.8.8.8/", "https://[2606:4700::1111]/"])(
    "to %s",
    (url) => {
      expect(new Targets([]).refusal(url)).toBeNull();
    },
  );

  it("hosts that the operator names are allowed as they are, with their port only", () => {
    const targets = new Targets(["127.0.0.1:9000", "hooks.internal:443"]);
    expect(targets.refusal("http://127.0.0.1:9000/x")).toBeNull();
    expect(targets.refusal("https://hooks.internal/x")).toBeNull();
    expect(targets.refusal("http://127.0.0.1:9001/x")).not.toBeNull();
    expect(targets.refusal("http://u@127.0.0.1:9000/x")).not.toBeNull();
    expect(new Targets(["127.0.0.1:*"]).refusal("http://127.0.0.1:9001/x")).toBeNull();
  });

  it("a name that resolves into a private network is not connected to", async () => {
    let hits = 0;
    const server = createServer((_, response) => {
      hits += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const url = `http://localhost:${(server.address() as AddressInfo).port}/`;
    const agent = new Targets([]).agentFor(url);
    await expect(request(url, { dispatcher: agent })).rejects.toThrow(/^blocked: localhost resolves to/);
    await (await request(url)).body.dump();
    expect(hits).toBe(1);
    await new Promise((resolve) => server.close(resolve));
  });
});
