import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { endChildren } from "../support/child.ts";
import { batchyard, ready, starting, type Served } from "../support/served.ts";
import { closeTerminal, items, NODE, open, shown, slow } from "./stage.ts";
import type { Terminal, TerminalOptions } from "./tmux.ts";

/** However the dashboard ends, on a real terminal: the terminal is in order, and the exit code says how it was. */
const data = mkdtempSync(join(tmpdir(), "batchyard-ends-"));
let server: Served;
const live = (args?: string, options?: Partial<TerminalOptions>): Promise<Terminal> => shown(server.url, args, options);

beforeAll(async () => {
  server = await ready(starting(data));
  await server.client.create({ ...slow, name: "in the picture" }, items(5));
});
afterEach(closeTerminal);
afterAll(async () => {
  await endChildren();
  rmSync(data, { recursive: true, force: true });
});

/** The process of the dashboard: the shell's only child. */
function childOf(at: Terminal): number {
  return Number(readFileSync(`/proc/${at.pid}/task/${at.pid}/children`, "utf8").trim().split(" ")[0]);
}

describe("the end", () => {
  it.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGQUIT", 131],
  ] as const)("leaves a sane terminal at %s and ends with %i, as a shell counts signals", async (signal, code) => {
    const at = await live();
    process.kill(childOf(at), signal);
    await at.shows(new RegExp(`^ended ${code}$`, "m"));
    expect([at.flag("alternate_on"), at.flag("cursor_flag")]).toEqual(["0", "1"]);
    at.run("stty -a | tr ' ;' '\\n\\n' | grep -x -e echo -e icanon | tr '\\n' +");
    await at.shows("icanon+echo+");
  });

  it("leaves a sane terminal when it crashes, and says why", async () => {
    const at = await open();
    const crash = `data:text/javascript,process.on("SIGUSR2",()=>setImmediate(()=>{throw new Error("broken on purpose")}))`;
    at.run(`${NODE.replace(" --", ` --import '${crash}' --`)} live --url ${server.url}; echo "ended $?"`);
    await at.shows("● live");
    process.kill(childOf(at), "SIGUSR2");
    await at.shows(/^ended 1$/m);
    expect(at.screen()).toContain("broken on purpose");
    expect([at.flag("alternate_on"), at.flag("cursor_flag")]).toEqual(["0", "1"]);
    at.run("stty -a | tr ' ;' '\\n\\n' | grep -x -e echo -e icanon | tr '\\n' +");
    await at.shows("icanon+echo+");
  });

  it("stops at ctrl-z with the terminal in order, and goes on at fg", async () => {
    const at = await open({ shell: "bash --norc +o history" });
    at.run(`${NODE} live --url ${server.url}; echo "ended $?"`);
    await at.shows("● live");
    at.keys("C-z");
    await at.shows(/Stopped/);
    expect([at.flag("alternate_on"), at.flag("cursor_flag")]).toEqual(["0", "1"]);
    at.run("stty -a | tr ' ;' '\\n\\n' | grep -x -e echo -e icanon | tr '\\n' +");
    await at.shows("icanon+echo+");
    at.run("fg");
    await at.shows("● live");
    expect([at.flag("alternate_on"), at.flag("cursor_flag")]).toEqual(["1", "0"]);
    at.type("?");
    await at.shows("show the chosen row whole");
    at.type("qq");
    await at.shows(/ready>$/);
  });

  it("of a key that is revoked is said, with what was known last, and nothing is asked any more", async () => {
    const key = await server.client.keys.create({ name: "for an hour", role: "operator" });
    const at = await live("--refresh 200", { env: { BATCHYARD_TOKEN: key.secret } });
    await at.shows("in the picture");
    await server.client.keys.revoke(key.key.id);
    await at.shows(/○ ended \w+ ago: The credential is /);
    expect(at.screen()).toContain("in the picture");
    expect(at.screen()).not.toContain("stream.fault");
    at.type("p");
    await at.shows(/^The credential is /m);
    // Whoever went on asking with it would be told to wait: this machine may ask with another one at once.
    expect((await server.send("/api/batch/stats")).status).toBe(200);
    at.type("q");
    await at.shows("ended 0");
  });

  it("comes with the reader's, and what is no terminal is not drawn on", async () => {
    const at = await open({ shell: "bash --norc +o history" });
    at.run(`${NODE} live --json --refresh 100 --url ${server.url} | head -n 1 | wc -l; echo "ended \${PIPESTATUS[*]}"`);
    await at.shows("ended 0 0 0");
    at.run(`clear; ${NODE} live --url ${server.url} < /dev/null; echo "drawn $?"`);
    await at.shows("drawn 0");
    expect(at.screen()).toMatch(/^System$/m);
  });

  it.each(["--once --watch 2s", "--plain --json", "--profile a --url http://b"])(
    "is a usage error for %s, which contradict each other",
    async (flags) => {
      const child = batchyard(["live", ...flags.split(" ")]);
      expect(await child.ended).toMatchObject({ code: 2 });
      expect(child.output).toContain("cannot be used with");
    },
  );
});
