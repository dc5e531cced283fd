import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launch, signedIn } from "../support/browser.ts";
import { serve, type Served } from "../support/served.ts";

/** What clients wrote before there was this server, in a browser, on a page of the same origin, against the real thing. */
const ROOT = join(import.meta.dirname, "../..");
const SOCKET_IO = readFileSync(
  join(createRequire(import.meta.url).resolve("socket.io-client/package.json"), "../dist/socket.io.js"),
  "utf8",
);

let data: string;
let served: Served;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), "batchyard-snippets-"));
  served = await serve(data);
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

/** A signed-in page at `/own.html` of the server's origin with these scripts; everything else it asks for is the server's. */
async function ownPage(scripts: Readonly<Record<string, string>>, before?: (page: Page) => Promise<void>, query = ""): Promise<Page> {
  ({ page } = await signedIn(browser, served, { theme: "light", width: 1440 }));
  await before?.(page);
  const tags = Object.keys(scripts).map(
    (name) => `<script type="${name.endsWith(".mjs") ? "module" : "text/javascript"}" src="/own/${name}"></script>`,
  );
  await page.route("**/own.html*", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<!doctype html><title>own</title><div id="root"></div><pre id="log"></pre>${tags.join("")}`,
    }),
  );
  await page.route("**/own/*", (route) => {
    const name = new URL(route.request().url()).pathname.split("/").at(-1)!;
    return route.fulfill({ contentType: "text/javascript", body: scripts[name] ?? "" });
  });
  await page.goto(`/own.html${query}`);
  return page;
}

const numbers = (count: number): { id: string; n: number }[] => Array.from({ length: count }, (_, n) => ({ id: `n${n}`, n: n * 1_000 }));
const LOG = `const log = (text) => { document.getElementById("log").textContent += text + "\\n"; };`;

it("fetch, asked again every 30 seconds", async () => {
  const polling = `${LOG}
    async function refresh() {
      const response = await fetch("/api/admin/batch-monitoring?timeRange=24h");
      const { success, data } = await response.json();
      log(success + " jobs " + data.summary.totalJobs + " rate " + data.summary.successRate.toFixed(1) + " listed " + data.jobs.length);
    }
    refresh();
    setInterval(refresh, 30000);`;
  const own = await ownPage({ "polling.js": polling }, async (fresh) => {
    // Its half minute is over when it is told so, however slow the machine is.
    await fresh.clock.install();
    await fresh.clock.pauseAt(Date.now() + 1_000);
  });
  await own.getByText("true jobs 0 rate 100.0 listed 0").waitFor();
  const { id } = await served.client.create({ operation: "steady", name: "First" }, numbers(3));
  for await (const progress of served.client.watch(id)) void progress;
  expect(await own.locator("#log").textContent()).not.toContain("jobs 1");
  await own.clock.runFor(30_000);
  await own.getByText("true jobs 1 rate 100.0 listed 1").waitFor();
  await own.context().close();
});

it("io(): batch:created, batch:progress, batch:completed, and the room of a batch", async () => {
  const listening = `${LOG}
    const socket = io();
    socket.on("welcome", ({ message, socketId, timestamp }) => log("welcome " + [typeof message, typeof socketId, typeof timestamp].join(" ")));
    socket.on("batch:created", (batch) => {
      log("created " + batch.name + " " + batch.total_items);
      socket.emit("join-room", { room: "batch:" + batch.id });
    });
    socket.on("room-joined", ({ room }) => log("joined " + room));
    socket.on("batch:progress", ({ batchId, progress, status }) => log("progress " + batchId + " " + progress + " " + status));
    socket.on("batch:completed", ({ batchId }) => log("completed " + batchId));`;
  const own = await ownPage({ "socket.io.js": SOCKET_IO, "listening.js": listening });
  await own.getByText("welcome string string").waitFor();
  const { id } = await served.client.create(
    { operation: "steady", name: "Over a socket", options: { workMs: 80, batchSize: 2, concurrency: 1 } },
    numbers(20),
  );
  // Held until the page is in its room.
  await served.client.pause(id);
  await own.getByText(`joined batch:${id}`).waitFor();
  await served.client.resume(id);
  for (const last of [`joined batch:${id}`, `completed ${id}`]) await own.getByText(last).first().waitFor();
  const lines = (await own.locator("#log").textContent())!.split("\n");
  expect(lines).toContain("created Over a socket 20");
  expect(lines).toContain(`joined batch:${id}`);
  const progress = lines.flatMap((line) => (line.startsWith(`progress ${id}`) ? [Number(line.split(" ")[2])] : []));
  expect(progress.length).toBeGreaterThan(1);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect(lines).toContain(`progress ${id} 100 completed`);
  expect(lines.indexOf(`progress ${id} 100 completed`)).toBeLessThan(lines.indexOf(`completed ${id}`));
  await own.context().close();
});

it("the React hooks: useBatch, useBatchStatistics, useRealtimeBatchMonitoring", async () => {
  const bundle = await build({
    configFile: false,
    logLevel: "error",
    root: ROOT,
    define: { "process.env.NODE_ENV": '"production"' },
    resolve: {
      alias: { "batchyard/client": join(ROOT, "src/client/index.ts"), "batchyard/react": join(ROOT, "src/react/index.ts") },
    },
    build: { write: false, lib: { entry: join(ROOT, "dashboard/hooks-page.ts"), formats: ["es"], fileName: "hooks" } },
  });
  const [made] = [bundle].flat();
  if (made === undefined || !("output" in made)) throw new Error("vite made nothing of the hooks");
  const batch = await served.client.create(
    { operation: "steady", name: "With hooks", options: { workMs: 40, batchSize: 2, concurrency: 1 } },
    numbers(10),
  );
  const own = await ownPage({ "hooks.mjs": made.output[0].code }, undefined, `?batch=${batch.id}`);
  await own
    .locator("#statistics")
    .getByText(/^live: \d+ batches$/)
    .waitFor();
  await own.locator("#one").getByText("completed 100 %: 10 of 10").waitFor();
  await own.locator("#newest").getByText("With hooks completed 100 %").waitFor();
  const { total } = await served.client.stats();
  const next = await served.client.create({ operation: "steady", name: "Came while watched" }, numbers(2));
  await own.locator("#newest").getByText("Came while watched completed 100 %").waitFor();
  await own
    .locator("#statistics")
    .getByText(`live: ${total + 1} batches`)
    .waitFor();
  expect((await served.client.get(next.id)).status).toBe("completed");
  await own.context().close();
});
