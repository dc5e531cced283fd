import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { io } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, TOKEN, type Served } from "../../src/api/server.fixture.ts";
import { loadConfig } from "../../src/config.ts";
import { startServer } from "../../src/server.ts";
import { systemClock, type Clock } from "../../src/model/clock.ts";
import { BatchyardError } from "../../src/model/errors.ts";
import { ask, type Answer, type Asked, formed } from "../support/ask.ts";

/** Keys, sessions, guessing, the first start. */

const ORIGIN = { origin: "http://localhost", host: "localhost" };
const HEARTBEAT_MS = 15_000;

/** The machine's time plus what the test adds; connections are looked at when the test says so. */
class Minutes implements Clock {
  private readonly looks = new Set<() => void>();
  private ahead = 0;
  now(): number {
    return Date.now() + this.ahead;
  }
  elapsed(): number {
    return performance.now();
  }
  after(ms: number, fire: () => void): () => void {
    if (ms !== HEARTBEAT_MS) return systemClock.after(ms, fire);
    this.looks.add(fire);
    return () => void this.looks.delete(fire);
  }
  pass(ms: number): void {
    this.ahead += ms;
  }
  look(): void {
    // Whoever looks begins to wait for the next time.
    const due = new Set(this.looks);
    this.looks.clear();
    for (const fire of due) fire();
  }
}

let served: Served;
let url: string;
const clock = new Minutes();
beforeAll(async () => {
  served = await serve({ clock });
  url = await served.listen();
});
afterAll(() => served.close());

const as = (key: string, asked: Asked): Promise<Answer> =>
  ask(url, { ...asked, headers: { authorization: `Bearer ${key}`, ...asked.headers } });
const signIn = (key: string, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(url, {
    method: "POST",
    path: "/signin",
    headers: { ...ORIGIN, "content-type": "application/x-www-form-urlencoded", ...headers },
    body: `key=${encodeURIComponent(key)}`,
  });
const cookieOf = (answer: Answer): string => String(answer.headers["set-cookie"]).split(";")[0]!;
const me = (cookie: string): Promise<Answer> => ask(url, { path: "/api/session", headers: { cookie } });
const made = async (name: string, role = "admin"): Promise<{ key: { id: string }; secret: string }> =>
  JSON.parse((await as(TOKEN, { method: "POST", ...formed("/api/keys", { name, role }) })).text) as { key: { id: string }; secret: string };

describe("keys", () => {
  it("are nowhere in the data directory: not of keys, sessions or sign-in links", async () => {
    const secrets: string[] = [];
    for (let n = 0; n < 50; n++) secrets.push((await made(`key ${n}`)).secret);
    for (const secret of secrets.slice(0, 5)) {
      secrets.push(cookieOf(await signIn(secret)).split("=")[1]!);
      const link = JSON.parse((await as(secret, { method: "POST", ...formed("/api/session/link", {}) })).text) as { path: string };
      secrets.push(link.path.split("token=")[1]!);
    }
    secrets.push(TOKEN);
    // A key sent in the wrong places must not be kept either.
    await as(secrets[0]!, {
      method: "POST",
      path: "/api/batch/create",
      headers: { "content-type": "application/json", "idempotency-key": "k1" },
      body: '{"operation":"echo","items":[]}',
    });
    await ask(url, { path: `/api/batch/stats?key=${secrets[1]!}` });
    const { data } = served.yard.config;
    const files = readdirSync(data, { recursive: true })
      .map((name) => join(data, String(name)))
      .filter((path) => statSync(path).isFile());
    let bytes = 0;
    for (const path of files) {
      const content = readFileSync(path);
      bytes += content.length;
      for (const secret of secrets) {
        for (const form of [secret, Buffer.from(secret).toString("base64"), Buffer.from(secret).toString("hex")])
          expect([path, secret.slice(0, 6), content.includes(form)]).toEqual([path, secret.slice(0, 6), false]);
      }
    }
    console.log(`security: ${secrets.length} secrets not in ${files.length} files, ${bytes} bytes`);
    expect(bytes).toBeGreaterThan(100_000);
    expect(served.logged.filter((line) => secrets.some((secret) => line.includes(secret)))).toEqual([]);
  });

  it("end at once: the next call, the session, the open stream, the socket", async () => {
    const { key, secret } = await made("short-lived", "viewer");
    const cookie = cookieOf(await signIn(secret));
    const link = JSON.parse((await as(secret, { method: "POST", ...formed("/api/session/link", {}) })).text) as { path: string };
    let stream = "";
    const opened = Promise.withResolvers<void>();
    const ended = new Promise<void>((resolve) => {
      get(`${url}/api/events`, { headers: { authorization: `Bearer ${secret}` } }, (response) => {
        response.setEncoding("utf8").on("data", (text: string) => {
          stream += text;
          if (text.includes("stream.hello")) opened.resolve();
        });
        response.on("close", resolve);
      });
    });
    const socket = io(url, { auth: { token: secret }, transports: ["websocket"], reconnection: false });
    const gone = new Promise<string>((resolve) => socket.on("disconnect", resolve));
    await Promise.all([opened.promise, new Promise<void>((resolve) => socket.on("welcome", () => resolve()))]);
    expect((await me(cookie)).status).toBe(200);

    expect((await as(TOKEN, { method: "DELETE", path: `/api/keys/${key.id}` })).status).toBe(200);
    expect((await as(secret, { path: "/api/session" })).status).toBe(401);
    expect((await me(cookie)).status).toBe(401);
    expect((await ask(url, { path: link.path })).status).toBe(401);
    clock.look();
    await ended;
    expect(stream).toContain("credential_ended");
    expect(await gone).toBe("io server disconnect");
  });

  it("leave one line each in the audit log: made, used to sign in, refused, denied, revoked", async () => {
    const { key, secret } = await made("audited", "viewer");
    await signIn(secret);
    await as("by_nobody", { path: "/api/session" });
    await as(secret, { method: "POST", ...formed("/api/batch/create", { operation: "echo", items: [] }) });
    await as(TOKEN, { method: "DELETE", path: `/api/keys/${key.id}` });
    const rows = await served.yard.store.audit.list("default", { before: null, limit: 5 });
    expect(rows.map((row) => `${row.action} ${row.outcome}`)).toEqual([
      "key_revoked SUCCESS",
      "denied BLOCKED",
      "sign_in FAILURE",
      "sign_in SUCCESS",
      "key_created SUCCESS",
    ]);
    expect(JSON.stringify(rows)).not.toContain(secret);
  });
});

describe("sessions", () => {
  it("have a cookie that scripts and other sites cannot use, with Secure behind TLS", async () => {
    const plain = String((await signIn(TOKEN)).headers["set-cookie"]);
    expect(plain).toMatch(/^batchyard_session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(String((await signIn(TOKEN, { origin: "https://localhost" })).headers["set-cookie"])).toContain("; Secure");
    expect(String((await signIn(TOKEN, { "x-forwarded-proto": "https" })).headers["set-cookie"])).toContain("; Secure");
  });

  it("are new at each sign-in: a cookie that was there before is not taken over", async () => {
    const planted = `batchyard_session=${"p".repeat(43)}`;
    const first = cookieOf(await signIn(TOKEN, { cookie: planted }));
    const second = cookieOf(await signIn(TOKEN, { cookie: first }));
    expect(new Set([planted, first, second]).size).toBe(3);
    expect((await me(planted)).status).toBe(401);
    expect((await me(second)).status).toBe(200);
  });

  it("end on the server at logout, and after twelve hours", async () => {
    const [one, two] = [cookieOf(await signIn(TOKEN)), cookieOf(await signIn(TOKEN))];
    const out = await ask(url, { method: "POST", path: "/api/session/logout", headers: { ...ORIGIN, cookie: one } });
    expect(out.status).toBe(200);
    expect(String(out.headers["set-cookie"])).toMatch(/batchyard_session=;.*(Max-Age=0|Expires=Thu, 01 Jan 1970)/);
    expect((await me(one)).status).toBe(401);
    expect((await me(two)).status).toBe(200);
    clock.pass(12 * 3_600_000 + 1);
    expect((await me(two)).status).toBe(401);
  });

  it("carry the role of their key and no more", async () => {
    const { secret } = await made("looker", "viewer");
    const cookie = cookieOf(await signIn(secret));
    expect(
      (
        await ask(url, {
          method: "POST",
          ...formed("/api/batch/create", { operation: "echo", items: [] }),
          headers: { ...ORIGIN, cookie, "content-type": "application/json" },
        })
      ).status,
    ).toBe(403);
    expect((await ask(url, { path: "/api/keys", headers: { cookie } })).status).toBe(403);
  });
});

describe("guessing", () => {
  it("is slowed down after ten failures, whatever address it claims, while good keys pass", async () => {
    clock.pass(60_000);
    const guesses: (() => Promise<Answer>)[] = [
      () =>
        as(`by_${"g".repeat(43)}`, {
          path: "/api/session",
          headers: { "x-forwarded-for": `10.0.0.${Math.floor(Math.random() * 250)}`, forwarded: "for=10.1.1.1" },
        }),
      () => signIn("a guess"),
      () => ask(url, { path: `/signin?token=${"g".repeat(43)}` }),
    ];
    for (let n = 0; n < 10; n++) expect((await guesses[n % 3]!()).status).toBe(401);
    const limited = await guesses[0]!();
    expect([limited.status, Number(limited.headers["retry-after"]) > 0]).toEqual([429, true]);
    expect((await signIn("another guess")).status).toBe(429);
    expect((await as(TOKEN, { path: "/api/session" })).status).toBe(200);
    expect((await signIn(TOKEN)).status).toBe(303);
    clock.pass(60_000);
    expect((await guesses[0]!()).status).toBe(401);
  });
});

describe("the first start", () => {
  it("has no default account, listens to this machine only, and keeps its key for its owner", async () => {
    const data = mkdtempSync(join(tmpdir(), "batchyard-first-"));
    const config = loadConfig({ BATCHYARD_DATA: data, BATCHYARD_PORT: "0", LOG_LEVEL: "silent", BATCHYARD_TOKEN: "" });
    expect(config.host).toBe("127.0.0.1");
    const running = await startServer({ config });
    try {
      expect(new URL(running.url).hostname).toBe("127.0.0.1");
      for (const credential of ["", "admin", "password", "changeme", "undefined", "null", "by_", "batchyard"]) {
        expect([
          credential,
          (await ask(running.url, { path: "/api/session", headers: { authorization: `Bearer ${credential}` } })).status,
        ]).toEqual([credential, 401]);
      }
      expect((await ask(running.url, { path: "/api/session" })).status).toBe(401);
      const path = join(data, "admin.key");
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(
        (await ask(running.url, { path: "/api/session", headers: { authorization: `Bearer ${readFileSync(path, "utf8").trim()}` } }))
          .status,
      ).toBe(200);
      const link = new URL(await running.signInLink());
      expect((await ask(running.url, { path: link.pathname + link.search })).status).toBe(303);
      expect((await ask(running.url, { path: link.pathname + link.search })).status).toBe(401);
    } finally {
      await running.stop();
      rmSync(data, { recursive: true, force: true });
    }
  });

  it("refuses a token that could be guessed, and does not repeat it", () => {
    for (const token of ["short", "fifteen-letters", "with a blank in the middle"]) {
      let said: unknown;
      try {
        loadConfig({ BATCHYARD_TOKEN: token });
      } catch (error) {
        said = error;
      }
      expect(said).toBeInstanceOf(BatchyardError);
      expect((said as BatchyardError).message).toContain("BATCHYARD_TOKEN");
      expect((said as BatchyardError).message).not.toContain(token);
    }
  });

  it("warns about an address that others can reach", () => {
    expect(loadConfig({ BATCHYARD_HOST: "0.0.0.0" }).warnings.join("\n")).toContain("TLS proxy");
    expect(loadConfig({}).warnings).toEqual([]);
  });
});
