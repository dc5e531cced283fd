import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { endChildren } from "../support/child.ts";
import { finished, ready, starting, type Served } from "../support/served.ts";
import { closeTerminal, items, lasting, shown, slow } from "./stage.ts";
import type { Terminal, TerminalOptions } from "./tmux.ts";

/** What keys do, on a real terminal to a real server: its own API says what became of it. */
const data = mkdtempSync(join(tmpdir(), "batchyard-acts-"));
let server: Served;
const live = (args?: string, options?: Partial<TerminalOptions>): Promise<Terminal> => shown(server.url, args, options);

beforeAll(async () => {
  server = await ready(starting(data));
  await server.client.streams.put("orders", lasting);
  await server.client.streams.push("orders", items(7));
});
afterEach(closeTerminal);
afterAll(async () => {
  await endChildren();
  rmSync(data, { recursive: true, force: true });
});

describe("keys that change something", () => {
  const alerts = async (): Promise<{ rule: string; acknowledged: boolean; silenced: boolean }[]> => {
    const answer = await (await server.send("/api/admin/batch-monitoring/alerts?state=open")).json();
    const { data } = answer as { data: { alerts: { rule: string; acknowledged: boolean; silenced: boolean }[] } };
    // Others come and go as the figures do.
    return data.alerts.filter(({ rule }) => rule === "newErrorClass");
  };
  const numbered = (count: number): { id: string; n: number }[] => Array.from({ length: count }, (_, n) => ({ id: `i${n}`, n }));
  let failing = "";

  beforeAll(async () => {
    failing = (await server.client.create({ operation: "steady", name: "has failures" }, numbered(20))).id;
    await finished(server.client, failing);
  });

  it("acknowledge an alert and silence it", async () => {
    const at = await live("", { columns: 80, rows: 24 });
    at.type("5");
    await at.shows("newErrorClass");
    at.type("a");
    await at.shows(/Acknowledge 'newErrorClass .*\? .*y.* n/);
    expect(await alerts()).toMatchObject([{ rule: "newErrorClass", acknowledged: false }]);
    at.type("y");
    await at.shows(/› ● medium +newErrorClass .* acked/);
    expect(await alerts()).toMatchObject([{ acknowledged: true, silenced: false }]);
    at.type("a");
    await at.shows("It is acknowledged already");
    at.type("S");
    await at.shows(/Silence for 60 minutes newErrorClass/);
    at.type("y");
    await at.shows(/› ● medium +newErrorClass .* silenced/);
    expect(await alerts()).toMatchObject([{ acknowledged: true, silenced: true }]);
  });

  it("run failed items again: of a batch, and of an error code", async () => {
    const at = await live("--filter 'has failures'");
    await at.shows(/✓ .*has failures .* 20\/20 +1 /);
    at.type("r");
    await at.shows("Retry the failed items of 'has failures'?");
    at.type("n");
    expect((await server.client.get(failing)).epoch).toBe(1);
    at.type("r");
    await at.shows("Retry the failed items of 'has failures'?");
    at.type("y");
    await at.shows("Retry the failed items of 'has failures': done");
    await finished(server.client, failing);
    expect((await server.client.get(failing)).epoch).toBe(2);
    at.type("4");
    await at.shows("› ");
    at.type("r");
    await at.shows(/Retry every failure 'never' of \d+ batch/);
    at.type("y");
    await at.shows(/Retry every failure .*: done/);
    await at.shows((screen) => /4 Failures +\d/.test(screen));
    await expect.poll(async () => (await server.client.get(failing)).epoch).toBe(3);
    await finished(server.client, failing);
  });

  it("close the windows of a stream now, and pause it", async () => {
    const at = await live("", { columns: 80, rows: 24 });
    at.type("1");
    await at.shows("› detections");
    at.keys("j");
    at.type("c");
    await at.shows("Close the windows now of 'orders'?");
    at.type("y");
    await at.shows(/› orders +0 +0 /);
    expect((await server.client.streams.windows("orders", {})).total).toBe(0);
    at.type("p");
    await at.shows("Pause 'orders'?");
    at.keys("Enter");
    await at.shows("Pause 'orders': done");
    at.type("p");
    await at.shows("Resume 'orders'?");
    at.type("y");
    await at.shows("Resume 'orders': done");
  });

  it("ask for the number of more than ten, and do nothing at another one", async () => {
    const ids = await Promise.all(
      Array.from({ length: 12 }, async (_, n) => (await server.client.create({ ...slow, name: `dozen ${n}` }, items(2))).id),
    );
    const states = async (): Promise<string[]> => Promise.all(ids.map(async (id) => (await server.client.get(id)).status));
    const at = await live("--filter dozen");
    await at.shows("12 match");
    for (let n = 0; n < 12; n++) at.keys("Space");
    await at.shows("12 marked");
    at.type("c");
    await at.shows(/Cancel 12 batches\? +type 12 and enter:/);
    at.type("y");
    at.keys("Enter");
    await at.shows("Nothing was done: y is not 12");
    expect(await states()).not.toContain("cancelled");
    at.type("c");
    await at.shows(/type 12 and enter:/);
    at.type("12");
    at.keys("Enter");
    await at.shows("Cancel 12 batches: done");
    expect(new Set(await states())).toEqual(new Set(["cancelled"]));
  });

  it("go on behind the first page of the list, in the order it was asked for", async () => {
    for (let n = 0; n < 240; n += 40)
      await Promise.all(
        Array.from({ length: 40 }, (_, k) =>
          server.client.create({ operation: "steady", name: `page ${n + k}` }, items(n + k === 7 ? 30 : 1)),
        ),
      );
    const at = await live("--filter 'name:page '");
    await at.shows(/240 match, newest 100 listed/);
    at.type("G");
    await at.shows(/240 match, newest 200 listed/);
    at.type("G");
    await at.shows(/240 match {2}\//);
    // What comes in at the front moves nobody who reads further down, and what falls off the first page is not lost.
    const before = (await at.shows(/› .*page \d+ /)).match(/› .*(page \d+) /)![1]!;
    await server.client.create({ operation: "steady", name: "page of later" }, items(1));
    await at.shows(/241 match {2}\//);
    expect(at.screen()).toMatch(new RegExp(`› .*${before} `));
    at.type("G");
    await at.shows(/› .*page ([0-9]|[1-3][0-9]) +■/);
    at.type("gssss");
    await at.shows(/↓ largest/);
    await at.shows(/› .*page 7 .* 30\/30/);
  });

  it("are refused under --read-only, each and by their names", async () => {
    const state = async (): Promise<unknown> => {
      const { batches } = await server.client.history();
      // How bad an alert is moves by itself; what was done to it does not.
      const seen = (await alerts())
        .filter(({ rule }) => rule === "newErrorClass")
        .map(({ acknowledged, silenced }) => [acknowledged, silenced]);
      return [seen, batches.map(({ id, status, epoch }) => [id, status, epoch])];
    };
    // Nothing moves by itself.
    await expect.poll(async () => (await server.client.active()).total).toBe(0);
    const before = await state();
    const at = await live("--read-only", { columns: 80, rows: 24 });
    for (const [pane, keys] of [
      ["2", "prc"],
      ["1", "pc"],
      ["3", "p"],
      ["4", "r"],
      ["5", "aS"],
    ] as const)
      // prettier-ignore
      for (const key of keys) {
        at.type(`${pane}g`);
        await at.shows((screen) => !screen.includes("--read-only"));
        at.type(key);
        await at.shows("Nothing is changed here: --read-only");
      }
    at.type("2:");
    await at.shows("Commands");
    at.type("pause");
    at.keys("Enter");
    await at.shows("Nothing is changed here: --read-only");
    expect(await state()).toEqual(before);
  });

  it("open the page in the browser of this terminal, and copy the id", async () => {
    const opened = join(data, "opened");
    const browser = join(data, "browser.sh");
    writeFileSync(browser, `#!/bin/sh\necho "$@" > ${opened}.part && mv ${opened}.part ${opened}\n`, { mode: 0o755 });
    const at = await live("--filter 'has failures'", { env: { BROWSER: `${browser} --new-tab` } });
    await at.shows("has failures");
    at.type("o");
    await at.shows(`${server.url}/batches/${failing}`);
    await expect.poll(() => existsSync(opened)).toBe(true);
    expect(readFileSync(opened, "utf8")).toBe(`--new-tab ${server.url}/batches/${failing}\n`);
    at.type("y");
    await at.shows(`Copied ${failing}`);
    expect(at.clipboard).toBe(failing);
  });
});
