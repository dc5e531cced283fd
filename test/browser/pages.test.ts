import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { built, launch, type Look, openDialog, signedIn } from "../support/browser.ts";
import { sampleAlerts } from "../support/samples/sample-alerts.ts";
import { linkTo, sampleBatches, type SampleBatches } from "../support/samples/sample-batches.ts";
import { recordedStream, sampleStreams } from "../support/samples/sample-streams.ts";
import { sampleCosts } from "../support/samples/sample-costs.ts";
import { serve, type Served } from "../support/served.ts";

/** Pixels of the page beyond the screen. As text, because it runs in the browser. */
const TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

let data: string;
let served: Served;
let browser: Browser;
let sample: SampleBatches;
let links: Record<"mixed" | "running" | "failed", string>;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-browser-"));
  await recordedStream(data);
  await sampleCosts(data);
  served = await serve(data);
  sample = await sampleBatches(served.client);
  const [mixed, running, failed] = await Promise.all([sample.mixed, sample.running, sample.failed].map((id) => linkTo(served.client, id)));
  links = { mixed: mixed!, running: running!, failed: failed! };
  await sampleStreams(served.client);
  await sampleAlerts(served);
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

const COLUMNS = "state,progress,items,failed,priority,stream,key,cost,duration,created,ended";

/** Each page and what shows that it is complete; where a dialog is looked at, what opens it. */
const PAGES: readonly { name: string; at: () => string; shows: string; opens?: string }[] = [
  { name: "overview", at: () => "/?range=1h", shows: "Closed windows" },
  { name: "batches", at: () => "/batches", shows: "Spring catalogue" },
  { name: "batches, sorted, every column", at: () => `/batches?sort=failed&select=all&columns=${COLUMNS}`, shows: "Duration" },
  { name: "batches, none", at: () => "/batches?q=op:nothing", shows: "No batch matches" },
  { name: "a batch with failures", at: () => `/batches/${sample.mixed}`, shows: "Quality" },
  { name: "a batch that runs", at: () => `/batches/${sample.running}`, shows: "Why it is not done" },
  { name: "a batch that is not there", at: () => "/batches/batch_1_aaaaaaaaa", shows: "There is no such batch" },
  { name: "new batch", at: () => "/batches/new", shows: "Dry run" },
  { name: "events", at: () => "/events", shows: "batch.progress" },
  { name: "events, none", at: () => "/events?q=nobody-is-called-so", shows: "Nothing that matches" },
  { name: "events of the past", at: () => "/events?at=2026-01-01&types=batch.*", shows: "oldest first" },
  { name: "events of another log", at: () => "/events?at=elsewhere.1", shows: "Stream reset" },
  { name: "audit", at: () => "/audit", shows: "newest first" },
  { name: "audit, none", at: () => "/audit?actor=nobody", shows: "No entry matches" },
  { name: "settings", at: () => "/settings", shows: "Windows and batches" },
  { name: "settings, none", at: () => "/settings?q=zzz", shows: "No setting matches" },
  { name: "retention", at: () => "/settings?tab=retention", shows: "Next pass removes" },
  { name: "keys", at: () => "/settings?tab=keys", shows: "Sign-in link" },
  { name: "connections", at: () => "/settings?tab=connections", shows: "PostgreSQL" },
  { name: "settings of the browser", at: () => "/settings?tab=browser", shows: "Freeze the page" },
  { name: "a replay", at: () => `/batches/${sample.replay}`, shows: "Compare with the original" },
  { name: "compare with a replay", at: () => `/batches/compare?a=${sample.mixed}&b=${sample.replay}`, shows: "Now succeeds" },
  { name: "compare", at: () => `/batches/compare?a=${sample.mixed}&b=${sample.failed}`, shows: "only in the first" },
  { name: "streams", at: () => "/streams", shows: "Resume" },
  { name: "a stream", at: () => "/streams/orders", shows: "Newest batches" },
  { name: "a stream's traffic", at: () => "/streams/orders?tab=traffic", shows: "berlin" },
  { name: "a stream's rules", at: () => "/streams/orders?tab=rules", shows: "Roll back" },
  { name: "a stream's dead letters", at: () => "/streams/clicks?tab=dead-letters", shows: "Offer them again" },
  { name: "a stream in which nothing came", at: () => "/streams/detections", shows: "The next item opens one" },
  { name: "a stream that is not there", at: () => "/streams/nothing", shows: "There is no such stream" },
  { name: "flow", at: () => "/flow", shows: "Do the figures add up?" },
  { name: "flow of a stream", at: () => "/flow?stream=orders&minutes=1440", shows: "Passed" },
  { name: "flow of a stream that is not there", at: () => "/flow?stream=nothing", shows: "There is no such stream" },
  { name: "workers", at: () => "/workers", shows: "Lease ends" },
  { name: "new stream", at: () => "/streams?new=yes", shows: "A window closes by the first of these" },
  { name: "history", at: () => "/history", shows: "What happened in this time" },
  { name: "one metric", at: () => "/history?metric=items_total&range=1h&compare=yes", shows: "The same in Prometheus" },
  {
    name: "a metric without figures",
    at: () => "/history?metric=items_total&from=2025-01-01T00:00:00.000Z&to=2025-01-02T00:00:00.000Z",
    shows: "Nothing was recorded",
  },
  { name: "costs", at: () => "/costs", shows: "gpt-4o-mini" },
  { name: "a metric that is not there", at: () => "/history?metric=nothing", shows: "There is no metric" },
  { name: "failures", at: () => "/failures", shows: "newest example" },
  { name: "failures, by code", at: () => "/failures?tab=codes", shows: "What to do" },
  { name: "failures, dead letters", at: () => "/failures?tab=dead&queue=operation:validate", shows: "Dead in validate" },
  { name: "failures, slow", at: () => "/failures?tab=slow", shows: "By operation" },
  { name: "failures, sizes", at: () => "/failures?tab=sizes", shows: "Items in all" },
  { name: "failures, none", at: () => "/failures?operation=nothing", shows: "Well done" },
  { name: "alerts", at: () => "/alerts", shows: "highErrorRate" },
  { name: "alerts, pending", at: () => "/alerts?tab=pending", shows: "failsForAnHour" },
  { name: "alerts, silenced", at: () => "/alerts?tab=silenced", shows: "newErrorClass" },
  { name: "alerts, history", at: () => "/alerts?tab=history", shows: "Timeline" },
  { name: "alerts, rules", at: () => "/alerts?tab=rules", shows: "noWorkers" },
  { name: "alerts, a rule", at: () => "/alerts?tab=rules&edit=highErrorRate", shows: "It would have fired" },
  { name: "alerts, silences", at: () => "/alerts?tab=silences", shows: "New supplier" },
  { name: "alerts, channels", at: () => "/alerts?tab=channels", shows: "alerts.example.invalid" },
  { name: "resize, a dialog", at: () => "/workers", shows: "Lease ends", opens: "Resize" },
  { name: "replay, a dialog", at: () => `/batches/${sample.mixed}`, shows: "Quality", opens: "Replay" },
  { name: "order and columns, a dialog", at: () => "/batches", shows: "Spring catalogue", opens: "View" },
  { name: "silence, a dialog", at: () => "/alerts", shows: "highErrorRate", opens: "Silence" },
  { name: "mute, a dialog", at: () => "/failures", shows: "newest example", opens: "Mute" },
  { name: "a new key, a dialog", at: () => "/settings?tab=keys", shows: "Sign-in link", opens: "New key" },
  { name: "find or do, a dialog", at: () => "/workers", shows: "Lease ends", opens: "Control+k" },
  { name: "keyboard, a dialog", at: () => "/batches", shows: "Spring catalogue", opens: "?" },
  { name: "a shared batch", at: () => links.mixed, shows: "Spring catalogue" },
  { name: "a shared batch that runs", at: () => links.running, shows: "Nightly enrichment" },
  { name: "a shared batch without its secret", at: () => links.failed.split("#")[0] ?? "", shows: "This link shows nothing" },
];

/** In a round: who goes on by one changes the theme or the width, by two both. */
const LOOKS: readonly Look[] = [
  { theme: "light", width: 1440 },
  { theme: "dark", width: 1440 },
  { theme: "dark", width: 390 },
  { theme: "light", width: 390 },
];
/** Each page is loaded in another look than the one before it, and then seen in the three others. */
const SEEN = PAGES.map((each, n) => ({ ...each, looks: LOOKS.map((_, i) => LOOKS[(n + i) % LOOKS.length]!) }));

let page: Page;
let complaints: string[];

async function look({ theme, width }: Look): Promise<void> {
  await page.emulateMedia({ colorScheme: theme });
  await page.setViewportSize({ width, height: 900 });
}

beforeAll(async () => ({ page, complaints } = await signedIn(browser, served, LOOKS[0]!)));
afterAll(() => page.context().close());

it.each(SEEN)(
  "$name: nothing for axe to find, no wider than the screen, no complaint of the browser",
  async ({ at, shows, opens, looks }) => {
    await look(looks[0]!);
    complaints.length = 0;
    await page.goto(at());
    await page.locator("main, dialog[open]").getByText(shows).first().waitFor();
    // A shared page stands alone, without the shell.
    const alone = at().startsWith("/shared/");
    if (!alone) await page.getByTestId("live").getByText("Live").waitFor();
    if (opens !== undefined) await openDialog(page, opens);
    for (const [i, each] of looks.entries()) {
      await look(each);
      await page.locator(`html[data-theme=${each.theme}]`).waitFor();
      await page.locator("main, dialog[open]").getByText(shows).first().waitFor({ state: "attached" });
      await expect.poll(() => page.evaluate(TOO_WIDE)).toBe(0);
      // Every width is looked at as a whole, every look for its colours.
      const isWhole = i % 2 === 0;
      const axe = new AxeBuilder({ page });
      const { violations, passes } = await (isWhole ? axe : axe.withRules(["color-contrast", "link-in-text-block"])).analyze();
      expect([each, ...violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)]).toEqual([each]);
      expect(passes.length).toBeGreaterThan(isWhole ? (alone ? 10 : 15) : 0);
    }
    // What is not there is answered with 404 or 400, a link without its secret with 401, which browsers write down as an error.
    expect(complaints.filter((text) => !/status of 40[014]/.test(text))).toEqual([]);
  },
);
