import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { endChildren } from "../support/child.ts";
import { keptPort } from "../support/port.ts";
import { batchyard, finished, ready, starting, TOKEN, type Served } from "../support/served.ts";
import { masked } from "./masked.ts";
import { closeTerminal, items, lasting, NODE, open, shown, slow } from "./stage.ts";
import type { Terminal, TerminalOptions } from "./tmux.ts";

/** The real command on a real terminal against the real server, each a process of its own. */
const data = mkdtempSync(join(tmpdir(), "batchyard-live-"));

let server: Served;
let held = "";

const live = (args?: string, options?: Partial<TerminalOptions>, url = server.url): Promise<Terminal> => shown(url, args, options);

beforeAll(async () => {
  // What has waited for long on a slow machine is nothing critical here.
  server = await ready(starting(data, { env: { QUEUE_WARNING_WAIT_SECONDS: "86000", QUEUE_CRITICAL_WAIT_SECONDS: "86400" } }));
  const { client } = server;
  const done = await client.create({ operation: "steady", name: "done 夜の列車 🚂" }, items(100));
  await finished(client, done.id);
  held = (await client.create({ ...slow, name: "evil\u001b[2J\u001b]0;owned\u0007 name" }, items(10))).id;
  await client.pause(held);
  await client.streams.put("orders", lasting);
  await client.streams.push("orders", items(7));
});
afterEach(closeTerminal);
afterAll(async () => {
  await endChildren();
  rmSync(data, { recursive: true, force: true });
});

describe("batchyard live", () => {
  it("starts, moves, filters, pauses a batch and leaves the terminal as it was", async () => {
    const at = await live();
    await at.shows("evil");
    expect(at.flag("alternate_on")).toBe("1");
    expect(at.flag("cursor_flag")).toBe("0");

    const { id } = await server.client.create({ ...slow, name: "pause me" }, items(20));
    await at.shows(/● .*pause me/);
    at.type("/");
    await at.shows("enter filters");
    at.type("pause state:running");
    at.keys("Enter");
    await at.shows(/1 match {2}\/pause state:running/);
    at.keys("j");
    at.type("p");
    await at.shows("Pause 'pause me'?");
    expect((await server.client.get(id)).status).toBe("running");
    at.type("y");
    await at.shows("Pause 'pause me': done");
    expect((await server.client.get(id)).status).toBe("paused");
    await at.shows("No batch matches the filter");
    at.keys("Escape");
    await at.shows(/‖ .*pause me .*paused/);

    at.type("q");
    await at.shows("ended 0");
    expect(at.flag("alternate_on")).toBe("0");
    expect(at.flag("cursor_flag")).toBe("1");
    at.run("stty -a | tr ' ;' '\\n\\n' | grep -x -e echo -e icanon -e isig | tr '\\n' +");
    await at.shows("isig+icanon+echo+");
    await server.client.cancel(id);
  });

  it("shows a row whole, every pane by its number, help and commands by their names", async () => {
    const at = await live("", { columns: 80, rows: 24 });
    at.keys("Down");
    at.keys("Up");
    at.keys("Enter");
    await at.shows(/Progress .*Priority/s);
    at.keys("Escape");
    await at.shows("NAME");
    for (const title of ["3 Workers", "4 Failures", "5 Alerts", "6 Events", "2 Batches"]) {
      at.type(title.slice(0, 1));
      await at.shows(new RegExp(`^${title} .*━$`, "m"));
    }
    at.type("1");
    await at.shows("› detections");
    at.keys("Down");
    await at.shows("› orders");
    at.keys("Enter");
    await at.shows(/Open windows \(1\)/);
    at.type("?");
    await at.shows("show the chosen row whole");
    at.keys("Escape");
    at.type("2/colour:red");
    at.keys("Enter");
    await at.shows(/^\/colour:red.* Not understood: colour:red$/m);
    // Keys that are struck together are as many keys.
    at.type("\u0015no such batch\r");
    await at.shows("No batch matches the filter");
    at.keys("Escape");
    await at.shows("evil");
    at.type(":");
    at.type("batches");
    await at.shows("› go-batches");
    at.keys("Enter");
    await at.shows("› ");
    at.keys("C-c");
    expect(await at.shows("ended 0")).not.toContain("go-batches");
  });

  it("changes nothing under --read-only, and stands still while frozen", async () => {
    const at = await live("--read-only --filter 'evil state:paused'");
    await at.shows("read-only");
    at.type("c");
    await at.shows("Nothing is changed here: --read-only");
    at.type("f");
    await at.shows("frozen");
    const { id } = await server.client.create({ ...slow, name: "evil that comes later" }, items(1));
    await server.client.pause(id);
    at.type("?");
    await at.shows("show the chosen row whole");
    at.keys("Escape");
    expect(await at.shows("NAME")).not.toContain("comes later");
    at.type("f");
    await at.shows("comes later");
    await server.client.cancel(id);
  });

  it("cancels marked batches at once", async () => {
    const ids = await Promise.all([1, 2, 3].map(async (n) => (await server.client.create({ ...slow, name: `marked ${n}` }, items(5))).id));
    const at = await live("--filter 'marked state:running'");
    await at.shows((screen) => [1, 2, 3].every((n) => screen.includes(`marked ${n}`)));
    at.keys("Space");
    at.keys("Space");
    await at.shows("2 marked");
    at.type("c");
    await at.shows("Cancel 2 batches?");
    at.type("y");
    await at.shows("Cancel 2 batches: done");
    const states = await Promise.all(ids.map(async (id) => (await server.client.get(id)).status));
    expect(states.filter((status) => status === "cancelled")).toHaveLength(2);
    for (const id of ids) await server.client.cancel(id).catch(() => undefined);
  });

  it("lays itself out anew when the terminal changes its size", async () => {
    const at = await live();
    await at.shows("Queue and throughput");
    at.resize(60, 20);
    await at.shows((screen) => screen.includes("Stages") && !screen.includes("Queue and throughput"));
    expect(
      at
        .screen()
        .split("\n")
        .every((line) => line.length <= 60),
    ).toBe(true);
    at.resize(45, 24);
    await at.shows((screen) => screen.split("\n").some((line) => line.startsWith("  Stages")));
    at.resize(120, 40);
    await at.shows("Queue and throughput");
  });

  it.each([
    ["120x40", { columns: 120, rows: 40 }],
    ["80x24", { columns: 80, rows: 24 }],
    ["60x20", { columns: 60, rows: 20 }],
    ["no-color", { columns: 80, rows: 24, env: { NO_COLOR: "1" } }],
  ])("looks as it should: %s", async (name, options) => {
    const at = await live("--filter 'state:paused evil'", options);
    await at.shows(/1 match.*evil.*(audit|batch|window|worker|chunk)\.[a-z]+/s);
    const kept = join(import.meta.dirname, "screens", `${name}.txt`);
    // A screen is drawn in steps: it is the last that counts. Where it never comes to be so, the comparison says how they differ.
    await at.shows((screen) => masked(screen) === (existsSync(kept) ? readFileSync(kept, "utf8") : masked(screen))).catch(() => undefined);
    await expect(masked(at.screen())).toMatchFileSnapshot(kept);
    expect(at.screen(true).includes("\u001b[")).toBe(name !== "no-color");
  });

  it("on a dumb terminal prints every panel once", async () => {
    const at = await open({ columns: 110, rows: 100, env: { TERM: "dumb" } });
    at.run(`${NODE} live --url ${server.url} --filter 'state:paused evil'; echo "ended $?"`);
    await at.shows("ended 0");
    await expect(masked(at.screen().slice(at.screen().indexOf("●")))).toMatchFileSnapshot(join(import.meta.dirname, "screens", "dumb.txt"));
  });

  it("keeps the last picture while the server is away, says since when, and goes on when it is back", async () => {
    const folder = mkdtempSync(join(tmpdir(), "batchyard-away-"));
    const first = await ready(starting(folder, { port: await keptPort() }));
    const { id } = await first.client.create({ ...slow, name: "through the night" }, items(5));
    await first.client.pause(id);
    const at = await live("", {}, first.url);
    await at.shows("through the night");
    await first.child.end("SIGKILL");
    await at.shows(/offline \d+s, next try/);
    expect(at.screen()).toContain("through the night");
    at.type("c");
    await at.shows("The server does not answer");
    const again = await ready(starting(folder, { port: Number(new URL(first.url).port) }));
    await at.shows("● live");
    await again.client.create({ ...slow, name: "after the night" }, items(5));
    await at.shows("after the night");
    at.type("q");
    await at.shows("ended 0");
    await again.child.end("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
});

describe("without keys", () => {
  it("prints every panel once and ends with 0", async () => {
    const child = batchyard(["live", "--once", "--url", server.url]);
    expect(await child.ended).toMatchObject({ code: 0 });
    for (const title of [
      "24 hours",
      "Streams",
      "Batches",
      "Workers",
      "Failures",
      "Alerts",
      "Events",
      "Queue and throughput",
      "Performance",
      "System",
    ])
      expect(child.output).toMatch(new RegExp(`^${title}\\b`, "m"));
    // Each with what there is, not with its words for nothing.
    expect(child.output).toMatch(/^orders +1 +7 /m);
    expect(child.output).toMatch(/^‖ \w{9} evil/m);
    expect(child.output).toMatch(/^\d\d:\d\d:\d\d batch\.[a-z]+ +\S/m);
    expect(child.output).not.toContain("\u001b");
  });

  it("says as JSON what the API says", async () => {
    const child = batchyard(["batch-dashboard", "--once", "--json", "--url", server.url]);
    expect(await child.ended).toMatchObject({ code: 0 });
    const said = JSON.parse(child.output) as Record<string, Record<string, unknown>>;
    const asked = async (path: string): Promise<Record<string, unknown>> =>
      (await (await server.send(path)).json()) as Record<string, unknown>;
    // What a clock moves is left out: ages, and the minute the figures lately are of.
    const still = (of: unknown): unknown =>
      JSON.parse(
        JSON.stringify(of, (key, value: unknown) =>
          /timestamp|_at|bytes|last_seen|seconds|sparkline|value|per_minute|per_second|check|littles|verdict|tiles|utilisation|shares|sentence|bottleneck/.test(
            key,
          )
            ? 0
            : value,
        ),
      );
    expect(still(said["overview"])).toEqual(still(await asked("/api/system/overview")));
    expect(still(said["queues"])).toEqual(still(await asked("/api/queues/status")));
    expect(still(said["active"])).toEqual(still(await asked("/api/batch/active?limit=100")));
    expect(said["stats"]).toEqual((await asked("/api/batch/stats"))["stats"]);
    expect(said["failures"]).toEqual(await asked("/api/system/failures"));
    expect(said["history"]).toEqual(await asked("/api/batch/history?limit=100"));
    expect(still(said["latency"])).toEqual(still(await asked("/api/system/pipeline-latency")));
    expect(said["active"]!["total"]).toBeGreaterThan(0);
    expect(still(said["pipeline"])).toEqual(still(await asked("/api/system/pipeline")));
    expect(still(said["alerts"])).toEqual(still((await asked("/api/admin/batch-monitoring/alerts?state=open"))["data"]));
    expect(Object.keys(said["resources"]!)).toEqual(Object.keys(await asked("/api/system/resources")));
    const { events } = said["events"] as { events: { seq: number; type: string }[] };
    const log = (await asked("/api/events/log?limit=1000"))["events"] as { seq: number; type: string }[];
    expect(events.length).toBeGreaterThan(3);
    expect(log.filter(({ seq }) => events.some((event) => event.seq === seq))).toEqual(events);
  });

  it("asks for everything at once, once, and waits for no stream", async () => {
    const asked: string[] = [];
    let everythingAsked = (): void => undefined;
    const all = new Promise<void>((resolve) => (everythingAsked = resolve));
    const between = createServer((request, response) => {
      asked.push(request.url!.split("?")[0]!);
      if (asked.length === 11) everythingAsked();
      // Nothing is answered before everything is asked: who waited for an answer would wait for ever.
      void all
        .then(() => server.send(request.url!))
        .then(async (answer) => {
          response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
        });
    });
    await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
    const { port } = between.address() as AddressInfo;
    const child = batchyard(["live", "--once", "--json", "--url", `http://127.0.0.1:${port}`]);
    expect(await child.ended).toMatchObject({ code: 0 });
    between.close();
    expect(asked.toSorted()).toEqual([
      "/api/admin/batch-monitoring/alerts",
      "/api/batch/active",
      "/api/batch/history",
      "/api/batch/stats",
      "/api/events/log",
      "/api/queues/status",
      "/api/system/failures",
      "/api/system/overview",
      "/api/system/pipeline",
      "/api/system/pipeline-latency",
      "/api/system/resources",
    ]);
  });

  it("as JSON goes on line by line until it is told to stop", async () => {
    const child = batchyard(["live", "--json", "--refresh", "100", "--url", server.url]);
    const [first] = await child.line(/^\{.*\}$/);
    const { timestamp } = JSON.parse(first) as { timestamp: string };
    expect(first).toContain(`{"timestamp":"${timestamp}"`);
    await child.line(new RegExp(`^\\{"timestamp":"(?!${timestamp})`));
    expect(await child.end("SIGTERM")).toMatchObject({ code: 0 });
  });

  it("ends with 4 when something critical is the case, and only if it was asked to", async () => {
    const once = (url: string, ...args: string[]) => batchyard(["live", "--once", "--json", "--url", url, ...args]).ended;
    expect(await once(server.url, "--fail-on", "critical")).toMatchObject({ code: 0 });
    const between = createServer((request, response) => {
      void server.send(request.url!).then(async (answer) => {
        const text = await answer.text();
        const worse = text.replace(/"health":\{"status":"\w+"/, '"health":{"status":"critical"');
        response.writeHead(answer.status, { "content-type": "application/json" }).end(worse);
      });
    });
    await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
    expect(await once(url, "--fail-on", "critical")).toMatchObject({ code: 4 });
    expect(await once(url)).toMatchObject({ code: 0 });
    between.close();
  });

  it("goes to the server of a profile, with its key", async () => {
    const file = join(data, "profiles.json");
    writeFileSync(file, JSON.stringify({ here: { url: server.url, token: TOKEN } }), { mode: 0o600 });
    const known = batchyard(["live", "--once", "--profile", "here"], { BATCHYARD_PROFILES: file, BATCHYARD_TOKEN: "by_of_another_server" });
    expect(await known.ended).toMatchObject({ code: 0 });
    const unknown = batchyard(["live", "--once", "--profile", "there"], { BATCHYARD_PROFILES: file });
    expect(await unknown.ended).toMatchObject({ code: 2 });
    expect(unknown.output).toBe(`There is no profile 'there' in ${file}; it has here`);
  });

  it("says what is wrong with a filter, and that nobody answers", async () => {
    const wrong = batchyard(["live", "--once", "--filter", "colour:red", "--url", server.url]);
    expect(await wrong.ended).toMatchObject({ code: 2 });
    expect(wrong.output).toContain("does not understand colour:red");
    const nobody = batchyard(["live", "--once", "--url", "http://127.0.0.1:9"]);
    expect(await nobody.ended).toMatchObject({ code: 3 });
    expect(nobody.output).toContain("Cannot reach http://127.0.0.1:9");
  });

  it("batch-status says how a batch stands, and that an unknown one is not there", async () => {
    const known = batchyard(["batch-status", held, "--url", server.url]);
    expect(await known.ended).toMatchObject({ code: 0 });
    expect(known.output).toMatch(/Progress +\[█*░+\] \d+ %/);
    expect(known.output).toMatch(/^Why\n +paused: /m);
    const unknown = batchyard(["batch-status", "batch_nobody_knows", "--url", server.url]);
    expect(await unknown.ended).toMatchObject({ code: 1 });
    expect(unknown.output).toBe("Batch batch_nobody_knows not found.");
  });
});
