/**
 * The terminal dashboard on a pseudo-terminal of 120 × 40 against a server with work: from the start of the process to the
 * first frame, what 4 frames a second cost, bytes of a frame, and how long after an act its effect is on the screen.
 *
 *   node --conditions=batchyard-source bench/tui.ts [--rounds 7] [--seconds 15] [--save]
 *
 * Runs the build (`npm run build`) where there is one, as `batchyard` does, else the sources. Needs `script` of util-linux.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { parseArgs } from "node:util";
import { percentile, report, type Row } from "./support/report.ts";
import { ready, starting, TOKEN } from "../test/support/served.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "15" },
    save: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const ROOT = join(import.meta.dirname, "..");
const BUILT = join(ROOT, "dist", "cli", "main.js");
const built = existsSync(BUILT);
const program = built ? [BUILT] : ["--conditions=batchyard-source", join(ROOT, "src/cli/main.ts")];
const scratch = mkdtempSync(join(tmpdir(), "batchyard-tui-"));
// As bin/batchyard.mjs does: compiled once, not at every start.
const env = {
  PATH: process.env["PATH"],
  BATCHYARD_TOKEN: TOKEN,
  NODE_COMPILE_CACHE: join(scratch, "compiled"),
  LANG: "C.UTF-8",
  TERM: "xterm-256color",
};
/** Jiffies of /proc/<pid>/stat. */
const TICKS_A_SECOND = 100;

const server = await ready(starting(join(scratch, "data")));
const items = (count: number): { id: string; n: number }[] => Array.from({ length: count }, (_, n) => ({ id: `i${n}`, n: n * 100 }));
for (let n = 0; n < 20; n++) await server.client.create({ operation: "steady", name: `done ${n}` }, items(50));
const busy = ["first", "second"].map((name) =>
  server.client.create({ operation: "steady", name, options: { workMs: 40, batchSize: 5, concurrency: 2 } }, items(20_000)),
);
await Promise.all(busy);

/** The dashboard on a terminal; what it writes, as it comes. */
function onTerminal(): {
  child: ChildProcessByStdio<Writable, Readable, null>;
  startedAt: number;
  heard: { at: number; text: string }[];
  shows(text: string): Promise<number>;
} {
  const line = `stty cols 120 rows 40; exec ${[process.execPath, ...program].join(" ")} live --url ${server.url}`;
  const startedAt = performance.now();
  const child = spawn("script", ["-qfc", line, "/dev/null"], { env, stdio: ["pipe", "pipe", "ignore"] });
  const heard: { at: number; text: string }[] = [];
  let all = "";
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    heard.push({ at: performance.now(), text });
    all += text;
    for (const told of waiting) told();
  });
  const shows = (text: string): Promise<number> =>
    new Promise((resolve) => {
      const told = (): void => {
        if (!all.includes(text)) return;
        waiting.delete(told);
        resolve(performance.now());
      };
      waiting.add(told);
      told();
    });
  return { child, startedAt, heard, shows };
}

async function end(child: ChildProcessByStdio<Writable, Readable, null>): Promise<void> {
  const ended = once(child, "exit");
  child.stdin.write("q");
  await ended;
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_A_SECOND;
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
}

async function timed(...args: string[]): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...program, "live", ...args, "--url", server.url], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  await once(child, "exit");
  return performance.now() - startedAt;
}

function row(name: string, unit: string, figures: readonly number[]): Row {
  const sorted = figures.toSorted((a, b) => a - b);
  return {
    case: name,
    unit,
    samples: sorted.length,
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    max: sorted.at(-1) ?? Number.NaN,
  };
}

const nodeStart: number[] = [];
for (let n = 0; n < rounds; n++) {
  const at = performance.now();
  await once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit");
  nodeStart.push(performance.now() - at);
}
await timed("--once", "--json");
const json: number[] = [];
const plain: number[] = [];
for (let n = 0; n < rounds; n++) {
  json.push(await timed("--once", "--json"));
  plain.push(await timed("--once"));
}

const first: number[] = [];
for (let n = 0; n <= rounds; n++) {
  const { child, startedAt, shows } = onTerminal();
  const at = await shows("quit");
  // The first one fills the compile cache.
  if (n > 0) first.push(at - startedAt);
  await end(child);
}

const { child, heard, shows } = onTerminal();
await shows("quit");
const pid = childOf(child.pid!);
await new Promise((resolve) => setTimeout(resolve, 2_000));
const from = { at: performance.now(), cpu: cpuMs(pid), heard: heard.length };
await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
const took = performance.now() - from.at;
const share = ((cpuMs(pid) - from.cpu) / took) * 100;
const written = heard.slice(from.heard).map(({ text }) => text).join(""); // prettier-ignore
// Ink brackets each frame as one synchronised update.
const frames = written.split("\u001b[?2026h").filter((frame) => frame.includes("\u001b[?2026l")).map((frame) => Buffer.byteLength(frame)); // prettier-ignore

const lag: number[] = [];
for (let n = 0; n < 20; n++) {
  const name = `lag${Math.random().toString(36).slice(2, 8)}`;
  await server.client.create({ operation: "steady", name }, items(1));
  const at = performance.now();
  lag.push((await shows(name)) - at);
  // The next one comes at its own time, not in step with the frames.
  await new Promise((resolve) => setTimeout(resolve, 150 + ((n * 83) % 400)));
}
await end(child);
await server.child.end("SIGTERM");
rmSync(scratch, { recursive: true, force: true });

report(
  "The terminal dashboard",
  [
    row("node -e 0, for comparison", "ms", nodeStart),
    row("start of the process → first whole frame on the terminal", "ms", first),
    row("live --once --json, start → end", "ms", json),
    row("live --once, start → end", "ms", plain),
    row("bytes of a frame while two batches run", "bytes", frames),
    row("batch created → on the screen", "ms", lag),
    { case: `CPU of one core at ${(frames.length / (took / 1000)).toFixed(1)} frames/s`, unit: "%", samples: 1, p50: share },
  ],
  [
    `120 × 40, ${built ? "the build" : "from source"}, compile cache warm. A start is timed from \`script\`, which makes the pseudo-terminal and starts a shell, which starts node. What is created is timed from the server's answer.`,
  ],
);
