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
    "http://0177.0.0.1/",
    "http://127.0.0.1./",
    "http://017700000001/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::]/",
    "http://[fe80::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[::7f00:1]/",
    "http://[::a9fe:a9fe]/",
    "http://[4000::1]/",
    "http://[ff02::1]/",
    "http://172.16.5.4/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://app.localhost/",
    "http://localhost./",
    "http://metadata.internal./",
    "http://１２７.０.０.１/",
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

  it("what a name says is looked at when it is saved; a name that says nothing may come later", async () => {
    const names: Record<string, string[]> = { "in.example.com": ["8.8.8.8", "10.0.0.1"], "out.example.com": ["8.8.8.8"] };
    const targets = new Targets([], async (host) => {
      const found = names[host];
      if (found === undefined) throw new Error("ENOTFOUND");
      return found.map((address) => ({ address, family: 4 }));
    });
    await expect(targets.check("https://in.example.com/")).rejects.toMatchObject({ code: "address_not_allowed", status: 400 });
    await targets.check("https://out.example.com/");
    await targets.check("https://later.example.com/");
    await targets.close();
  });

  it("a name that turns inward after it was checked is blocked, and nothing inside hears of it", async () => {
    let hits = 0;
    const canary = createServer((_, response) => {
      hits += 1;
      response.end();
    });
    await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
    const port = (canary.address() as AddressInfo).port;
    let asked = 0;
    // First a public address, then this machine: a rebinding name server. The port is let in by name, so that only the address can stop it.
    const targets = new Targets([], async () => [{ address: asked++ === 0 ? "8.8.8.8" : "127.0.0.1", family: 4 }]);
    await targets.check("http://rebinds.example.com/");
    const agent = targets.agentFor("http://rebinds.example.com/");
    for (let tries = 0; tries < 2; tries++) {
      const call = request(`http://rebinds.example.com:${port}/`, { dispatcher: agent, headersTimeout: 1_000 });
      await expect(call).rejects.toThrow(/^blocked: rebinds\.example\.com resolves to 127\.0\.0\.1/);
    }
    expect([hits, asked]).toEqual([0, 3]);
    await targets.close();
    await new Promise((resolve) => canary.close(resolve));
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
