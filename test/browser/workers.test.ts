import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { percent } from "../../dashboard/src/figures/number.ts";
import { answered, built, launch, signedIn } from "../support/browser.ts";
import { finished, serve, type Served } from "../support/served.ts";

/** The pages Flow and Workers: what is worked on, by whom, and where the time goes. */

interface Flow {
  stages: { stage: string; share: number; count: number }[];
}
interface Workers {
  workers: { id: string; kind: string; state: string; running: number; slots: number | null }[];
}

const HOUR_MS = 3_600_000;
let data: string;
let served: Served;
let browser: Browser;
let page: Page;

const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
  const headers = { "content-type": "application/json" };
  const answer = await served.send(path, { method: "POST", headers, body: JSON.stringify(body) });
  return (await answer.json()) as Record<string, unknown>;
};
const read = async <T>(path: string): Promise<T> => (await (await served.send(path)).json()) as T;

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-workers-"));
  served = await serve(data);
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

beforeEach(async () => ({ page } = await signedIn(browser, served, { theme: "light", width: 1440 })));
afterEach(() => page.context().close());

it("the server's worker: its slots, the chunk at work with its batch, drained and resumed", async () => {
  const options = { workMs: HOUR_MS, timeout: 2 * HOUR_MS, batchSize: 1 };
  const batch = await served.client.create({ operation: "steady", name: "Long winter", options }, [{ id: "1", n: 1 }]);
  await page.goto("/workers");
  const own = page.getByRole("table", { name: "This server" }).getByRole("row").nth(1);
  await own.getByText("Busy").waitFor();
  const { workers } = await read<Workers>("/api/system/workers");
  await own.getByText(`${workers[0]!.running} of ${workers[0]!.slots}`, { exact: true }).waitFor();
  const chunk = page.getByRole("table", { name: "Chunks at work" }).getByRole("row", { name: /Long winter/ });
  await chunk.getByText(workers[0]!.id).waitFor();

  await own.getByText(`on ${hostname()}`).waitFor();
  await own.getByText(/^machine \d+ %$/).waitFor();
  const more = workers[0]!.slots! + 1;
  await own.getByRole("button", { name: /^Resize / }).click();
  await page.getByLabel("Slots").fill(String(more));
  await page.getByRole("dialog").getByRole("button", { name: "Resize" }).click();
  await own.getByText(`${workers[0]!.running} of ${more}`, { exact: true }).waitFor();
  expect((await read<Workers>("/api/system/workers")).workers[0]!.slots).toBe(more);

  await own.getByRole("button", { name: /^Drain / }).click();
  await page.getByRole("dialog").getByText("It starts no chunk any more").waitFor();
  await page.getByRole("button", { name: "Drain the worker" }).click();
  await own.getByText("Draining").waitFor();
  expect((await read<Workers>("/api/system/workers")).workers[0]!.state).toBe("draining");
  await own.getByRole("button", { name: /^Resume / }).click();
  await own.getByText("Busy").waitFor();
  expect((await read<Workers>("/api/system/workers")).workers[0]!.state).toBe("live");

  await chunk.getByRole("link", { name: "Long winter" }).click();
  await page.getByRole("heading", { name: "Long winter", level: 1 }).waitFor();
  await served.client.cancel(batch.id);
});

it("a worker of outside appears with its first call and what it holds", async () => {
  await page.goto("/workers");
  await page.getByText("Start another worker").waitFor();
  await served.client.create({ operation: "outside", name: "For somebody else", options: { executor: "external" } }, [{ id: "1", n: 1 }]);
  const { chunks } = (await post("/api/external/lease", { worker: "w1" })) as { chunks: unknown[] };
  expect(chunks).toHaveLength(1);
  const row = page.getByRole("table", { name: "Over HTTP" }).getByRole("row", { name: /^w1/ });
  await row.getByText("Busy").waitFor();
  await page
    .getByRole("table", { name: "Chunks at work" })
    .getByRole("row", { name: /For somebody else/ })
    .getByText("w1")
    .waitFor();
  const [{ chunk, fence }] = chunks as [{ chunk: number; fence: number }];
  await post("/api/external/heartbeat", { leases: [{ chunk, fence }], process: { version: "3.1", host: "mill", cpuPercent: 12 } });
  await row.getByText("version 3.1 on mill").waitFor();
  await page.getByRole("button", { name: `Take away chunk ${chunk}` }).click();
  await answered(page.getByRole("dialog").getByRole("button", { name: "Take it away" }), `Chunk ${chunk} is taken away and runs again`);
  expect(await post("/api/external/heartbeat", { leases: [{ chunk, fence }] })).toMatchObject({ held: [], lost: [chunk] });
});

it("flow: the shares are those of the API; the choice and the span stand in the address, and back leads back", async () => {
  await served.client.streams.put("orders", { operation: "steady", windowSeconds: 3_600 });
  await served.client.streams.push("orders", [{ id: "1", n: 1 }]);
  const [id] = await served.client.streams.flush("orders");
  await finished(served.client, id!);
  await page.goto("/flow");
  await page.getByRole("combobox", { name: "Of what" }).selectOption({ label: "orders" });
  await page.waitForURL((at) => at.search === "?stream=orders");
  const table = page.getByRole("table", { name: "Stages" });
  const window = table.getByRole("row", { name: /^Window/ });
  await window.getByText("1 window", { exact: true }).waitFor();
  const { stages } = await read<Flow>("/api/system/flow?stream=orders");
  expect(stages.map(({ stage, count }) => [stage, count])).toMatchObject([
    ["window", 1],
    ["queue", expect.any(Number) as number],
    ["run", expect.any(Number) as number],
  ]);
  // The figures of all streams stand there until those of this one have come.
  await expect.poll(() => window.getByRole("cell").first().innerText()).toBe(percent(stages[0]!.share));
  await page.getByRole("link", { name: "1 h", exact: true }).click();
  await page.waitForURL((at) => at.search === "?stream=orders&minutes=60");
  await page.goBack();
  await page.waitForURL((at) => at.search === "?stream=orders");
  await page.getByRole("heading", { name: "Do the figures add up?" }).waitFor();
});
