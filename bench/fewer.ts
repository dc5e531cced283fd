/**
 * Fewer inserts, fewer messages, fewer renders: the same items and the same rate of events, once through Batchyard (its store, its SSE,
 * its list of batches in a real Chromium) and once one by one.
 *
 *   npm run build && node --conditions=batchyard-source bench/fewer.ts [--items 20000] [--rate 1000] [--seconds 10] [--save]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { createBatchyard, defineOperation } from "batchyard";
import type { Browser, Page } from "playwright-core";
import { createClient } from "../src/client/index.ts";
import { built, launch } from "../test/support/browser.ts";
import { insertOneByOne, serveOneByOne } from "./fewer/one-by-one.ts";
import { figure, report, type Row } from "./support/report.ts";
import { TOKEN } from "./support/served.ts";
import { FORGET, WATCH, type Watched } from "./ui/watch.ts";

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "20000" },
    rate: { type: "string", default: "1000" },
    seconds: { type: "string", default: "10" },
    save: { type: "boolean", default: false },
  },
});
const [items, rate, seconds] = [Number(values.items), Number(values.rate), Number(values.seconds)];
built();
const data = mkdtempSync(join(tmpdir(), "batchyard-bench-"));

async function inserts(): Promise<Row> {
  const given = Array.from({ length: items }, (_, n) => ({ id: `item-${n}`, name: "lamp", price: n, text: "x".repeat(120) }));
  const own = join(data, "inserts");
  const same = defineOperation({ name: "same", processItem: (item: Record<string, unknown>) => ({ result: item }) });
  const yard = await createBatchyard({ data: own, operations: [same] });
  const started = performance.now();
  const { id } = await yard.createBatch({ operation: "same", items: given });
  await yard.waitForBatch(id);
  const took = (performance.now() - started) / 1000;
  await yard.close();
  const file = readdirSync(own).find((name) => name.endsWith(".db"))!;
  const db = new DatabaseSync(join(own, file), { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
  const rows = tables.reduce((sum, { name }) => sum + (db.prepare(`SELECT COUNT(*) AS n FROM ${name}`).get() as { n: number }).n, 0);
  db.close();
  const naive = insertOneByOne(join(data, "one-by-one.db"), given);
  return row(
    `rows inserted, ${figure(items)} items with their results`,
    naive.inserts,
    rows,
    `${figure(naive.seconds)} s and ${figure(took)} s (with running them)`,
  );
}

function row(what: string, naive: number, ours: number, more: string): Row {
  return { what, "one by one": naive, Batchyard: ours, "times fewer": naive / Math.max(1, ours), more };
}

async function watched(browser: Browser, baseURL: string): Promise<Page> {
  const context = await browser.newContext({ baseURL, viewport: { width: 1440, height: 900 } });
  await context.addInitScript(WATCH);
  return context.newPage();
}

/** Renders of some seconds, after three that warm up. */
async function renders(page: Page): Promise<number> {
  await page.waitForTimeout(3000);
  await page.evaluate(FORGET);
  await page.waitForTimeout(seconds * 1000);
  return (await page.evaluate<Watched>("window.watched")).commits;
}

/** Messages and bytes of the event stream as any reader gets it, while `work` goes on. */
async function frames(
  url: string,
  work: () => Promise<number>,
): Promise<{ messages: number; bytes: number; commits: number; seconds: number }> {
  const abort = new AbortController();
  const answer = await fetch(`${url}/api/events`, { headers: { authorization: `Bearer ${TOKEN}` }, signal: abort.signal });
  const counted = { messages: 0, bytes: 0 };
  const reading = (async () => {
    for await (const piece of answer.body! as AsyncIterable<Uint8Array>) {
      counted.bytes += piece.length;
      counted.messages += Buffer.from(piece).toString("latin1").split("\ndata:").length - 1;
    }
  })().catch(() => {});
  const started = performance.now();
  const commits = await work();
  const took = (performance.now() - started) / 1000;
  abort.abort();
  await reading;
  return { ...counted, commits, seconds: took };
}

async function told(browser: Browser): Promise<Row[]> {
  const server = fork(join(import.meta.dirname, "ui", "server.ts"), [join(data, "told")], {
    execArgv: ["--conditions=batchyard-source"],
    env: { ...process.env, BATCHYARD_TOKEN: TOKEN, LOG_LEVEL: "error" },
  });
  try {
    const [{ url }] = (await once(server, "message")) as [{ url: string }];
    const client = createClient({ url, token: TOKEN });
    const batches: string[] = [];
    for (let i = 0; i < 50; i++)
      batches.push((await client.create({ operation: "transform", options: { expression: "$" } }, [{ id: "1" }])).id);
    const page = await watched(browser, url);
    await page.goto("/signin");
    await page.locator("input[name=key]").fill(TOKEN);
    await Promise.all([page.waitForURL((at) => at.pathname === "/"), page.locator("main button").click()]);
    await page.goto("/batches");
    await page.locator("table[aria-label=Batches] tbody a").first().waitFor();
    server.send({ rate, batches });
    const ours = await frames(url, () => renders(page));
    await page.context().close();

    const naive = await serveOneByOne(rate, batches);
    const other = await watched(browser, naive.url);
    await other.goto("/");
    await other.locator("tbody tr").nth(49).waitFor();
    const before = naive.counted();
    const started = performance.now();
    const commits = await renders(other);
    const took = (performance.now() - started) / 1000;
    const after = naive.counted();
    await other.context().close();
    naive.close();
    const perSecond = (count: number, over: number): number => count / over;
    return [
      row(
        `messages a second, ${figure(rate)} events a second`,
        perSecond(after.messages - before.messages, took),
        perSecond(ours.messages, ours.seconds),
        `${figure(perSecond(after.bytes - before.bytes, took) / 1024)} and ${figure(perSecond(ours.bytes, ours.seconds) / 1024)} KiB a second`,
      ),
      row(
        "React commits a second, 50 batches on the page",
        commits / seconds,
        ours.commits / seconds,
        "both in Chromium, by the hook of React's developer tools",
      ),
    ];
  } finally {
    const left = once(server, "exit");
    server.disconnect();
    await left;
  }
}

const browser = await launch();
try {
  const stored = await inserts();
  report(
    "Fewer inserts, messages and renders than one by one",
    [stored, ...(await told(browser))],
    [
      "One by one: a row an item and a row a result, each committed by itself (SQLite, WAL, NORMAL as here); one SSE message an event; a state set at each message by the same React, which merges what comes within one task of the browser.",
      "Batchyard: all rows of all tables of a store that was empty before, counted afterwards; messages of `GET /api/events` with its defaults; commits of the page `/batches`. One run, one machine, one after the other.",
    ],
  );
} finally {
  await browser.close();
  rmSync(data, { recursive: true, force: true });
}
process.exit(0);
