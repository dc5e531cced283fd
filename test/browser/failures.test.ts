import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { answered, built, launch, signedIn, withTimeToUndo } from "../support/browser.ts";
import { finished, serve, type Served } from "../support/served.ts";

let data: string;
let served: Served;
let browser: Browser;
let page: Page;
const made: string[] = [];

beforeAll(async () => {
  built();
  data = mkdtempSync(join(tmpdir(), "batchyard-failures-"));
  served = await serve(data);
  browser = await launch();
  ({ page } = await signedIn(browser, served, { theme: "light", width: 1440 }));
  await page.goto("/failures");
  await page.getByText("Nothing failed. Well done.").waitFor();
  const schema = { required: ["ean"], properties: { price: { type: "number" } } };
  for (let i = 0; i < 3; i += 1) {
    const items = [{ id: `a${i}` }, { id: `b${i}` }, { id: `c${i}`, ean: "1", price: "on request" }, { id: `d${i}`, ean: "2" }];
    const batch = await served.client.create({ operation: "validate", name: `Feed ${i}`, options: { schema } }, items);
    await finished(served.client, batch.id);
    made.push(batch.id);
  }
});

afterAll(async () => {
  await browser.close();
  await served.child.end("SIGTERM");
  rmSync(data, { recursive: true, force: true });
});

interface Groups {
  failures: number;
  total: number;
  groups: { error: string; count: number; fingerprint: string }[];
}
const groups = () => served.client.request<Groups>("/api/system/failures/groups");

it("shows the groups of all batches as the API counts them, and retries one of them with an undo", async () => {
  const known = await groups();
  expect([known.failures, known.total]).toEqual([9, 2]);
  await page.goto("/failures");
  await page.getByRole("heading", { name: "9 items failed" }).waitFor();
  const rows = page.getByRole("row").filter({ hasText: "newest example" });
  for (const [i, group] of known.groups.entries()) {
    const row = rows.nth(i);
    await row.getByText(group.error).waitFor();
    await expect.poll(() => row.getByRole("cell").first().textContent()).toBe(String(group.count));
    await row.getByText("new", { exact: true }).waitFor();
  }

  const largest = rows.first();
  await largest.getByRole("button", { name: "Retry" }).last().click();
  const undoSeconds = await withTimeToUndo(page);
  const dialog = page.getByRole("dialog", { name: "Retry failed items" });
  await dialog.getByText("3 batches", { exact: true }).waitFor();
  await dialog.getByRole("button", { name: "Retry failed items: 3 batches" }).click();
  const tray = page.getByRole("region", { name: "Acts on many batches" });
  await tray.getByRole("button", { name: "Undo" }).click();
  await tray.getByText("Undone: nothing was changed.").waitFor();
  expect(undoSeconds).toEqual([10]);
  for (const id of made) expect((await served.client.get(id)).epoch).toBe(1);
  await page.unroute("**/api/batch/bulk");
  await tray.getByRole("button", { name: "Put away" }).click();

  await largest.getByRole("button", { name: "Retry" }).last().click();
  await page.getByRole("button", { name: "Retry failed items: 3 batches" }).click();
  await page.getByRole("link", { name: "Batches", exact: true }).click();
  await tray.getByText("Finished: 3 done.").waitFor();
  for (const id of made) {
    await finished(served.client, id);
    expect(await served.client.get(id)).toMatchObject({ epoch: 2, failed_items: 3 });
  }
  // What fails again has happened again.
  expect((await groups()).failures).toBe(15);
});

it("mutes a group: it moves to the muted ones with its items and its reason, and back", async () => {
  await page.goto("/failures");
  const before = await groups();
  const [{ error, count, fingerprint }] = before.groups as [Groups["groups"][number]];
  await page
    .getByRole("row")
    .filter({ hasText: "newest example" })
    .first()
    .getByRole("button", { name: `Mute: ${error}` })
    .last()
    .click();
  const dialog = page.getByRole("dialog", { name: "Mute this kind of failure" });
  await dialog.getByLabel("Why").fill("known to the shop");
  await dialog.getByRole("button", { name: "Mute", exact: true }).click();
  const muted = page.getByRole("group", { name: "Muted kinds of failures" }).getByRole("row").filter({ hasText: "known to the shop" });
  await muted.getByText(error).waitFor();
  await expect.poll(() => muted.getByRole("cell").first().textContent()).toBe(String(count));
  await page.getByRole("heading", { name: `${before.failures - count} items failed` }).waitFor();
  expect((await groups()).groups.map((group) => group.fingerprint)).not.toContain(fingerprint);
  await page.reload();
  await muted.getByRole("button", { name: `Unmute: ${error}` }).click();
  await page.getByRole("heading", { name: `${before.failures} items failed` }).waitFor();
  expect((await groups()).groups.map((group) => group.fingerprint)).toContain(fingerprint);
});

it("lists dead letters, gives up a group, and runs the rest again", async () => {
  const stats = () => served.client.request<{ total: number }>("/api/dlq/stats");
  expect((await stats()).total).toBe(9);
  await page.goto("/failures");
  const row = page.getByRole("row").filter({ hasText: "newest example" }).first();
  await row.getByRole("button", { name: "Give up" }).last().click();
  await answered(page.getByRole("dialog").getByRole("button", { name: "Give up" }), "6 items are off the dead letters");
  expect((await stats()).total).toBe(3);

  await page.getByRole("link", { name: "Dead letters 3" }).click();
  await page.getByRole("link", { name: "validate", exact: true }).click();
  await page.getByRole("heading", { name: "Dead in validate" }).waitFor();
  expect(new URL(page.url()).search).toBe("?tab=dead&queue=operation%3Avalidate");
  await expect.poll(() => page.getByRole("group", { name: "Dead in validate" }).getByRole("row").count()).toBe(1 + 3);
  await page.getByRole("button", { name: "Run again what is dead in validate" }).click();
  await answered(page.getByRole("dialog").getByRole("button", { name: "Run again: 3 items" }), "3 items run again");
});

it("analyses by code, by slowness and by size say what the API says", async () => {
  for (const id of made) await finished(served.client, id);
  const base = "/api/admin/batch-monitoring/analysis";
  const { errors } = await served.client.request<{ errors: { code: string; count: number }[] }>(`${base}/errors`);
  await page.goto("/failures?tab=codes");
  const first = page.getByRole("row").filter({ hasText: errors[0]!.code }).first();
  await expect.poll(() => first.getByRole("cell").first().textContent()).toBe(String(errors[0]!.count));
  await page.getByRole("link", { name: "Slow batches" }).click();
  const { slowest } = await served.client.request<{ slowest: { id: string }[] }>(`${base}/slow`);
  await page.getByRole("link", { name: slowest[0]!.id }).waitFor();
  await page.getByRole("link", { name: "Batch sizes" }).click();
  await page.getByRole("row", { name: /^1 – 50/ }).waitFor();
  await page.goBack();
  await page.getByRole("heading", { name: "Slowest batches" }).waitFor();
});

it("replays a batch from its page: the failed items, one payload changed, counted before; then compares it with the original", async () => {
  const { id } = await served.client.create({ operation: "validate", options: { schema: { required: ["ean"] } } }, [
    { id: "a" },
    { id: "b", big: 1 },
    { id: "c", ean: "1" },
  ]);
  await finished(served.client, id);
  await page.goto(`/batches/${id}`);
  await page.getByRole("button", { name: "Replay" }).click();
  const dialog = page.getByRole("dialog", { name: "Replay the batch" });
  await dialog.getByText("Creates a batch with 2 items in 1 chunk").waitFor();
  await dialog.getByLabel("All 3").check();
  await dialog.getByText("Creates a batch with 3 items in 1 chunk").waitFor();
  await dialog.getByLabel("Some, by key").check();
  await dialog.getByLabel("Keys of items, one a line").fill("a\nnobody");
  await dialog.getByLabel("Key of the item to change").focus();
  await dialog.getByText("'nobody' is no item of").waitFor();
  expect(await dialog.getByRole("button", { name: "Create the batch" }).isDisabled()).toBe(true);
  await dialog.getByLabel("The 2 without a success").check();
  await dialog.getByLabel("Key of the item to change").fill("a");
  await dialog.getByRole("button", { name: "Change its payload" }).click();
  await dialog.getByLabel("Payload of a").fill('{"id":"a","ean":"2"}');
  // Text is selected to beyond the edge of the dialog: the dialog stays, with what was typed.
  await dialog.getByLabel("Payload of a").hover();
  await page.mouse.down();
  await page.mouse.move(5, 400, { steps: 3 });
  await page.mouse.up();
  await dialog.getByRole("button", { name: "Create the batch" }).click();
  await page.getByRole("link", { name: "Compare with the original" }).waitFor();
  const replay = /batches\/(batch_\w+)/.exec(page.url())![1]!;
  expect(await served.client.get(replay)).toMatchObject({ replay_of: id, total_items: 2 });
  await finished(served.client, replay);

  await page.getByRole("link", { name: "Compare with the original" }).click();
  const row = page.getByRole("table").last().getByRole("row", { name: /^a / });
  await row.getByText("Now succeeds").waitFor();
  expect((await served.client.compare(id, replay, { brief: true })).changed.map(({ nodeId, kind }) => [nodeId, kind])).toEqual([
    ["a", "fixed"],
  ]);
  await page.getByRole("link", { name: "Now fail 0" }).click();
  await page.getByText("No item changed in this way.").waitFor();
  expect(new URL(page.url()).search).toContain("kind=broken");
  await page.goto(`/batches/${id}`);
  await page.getByText("Replayed as").getByRole("link", { name: replay }).click();
  await page.getByRole("heading", { name: `Replay of ${id}`, level: 1 }).waitFor();
  await page.getByRole("link", { name: id }).waitFor();
});
