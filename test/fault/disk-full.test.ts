import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { endChildren } from "../support/child.ts";
import { numbered } from "../support/fates.ts";
import { folders } from "../support/folder.ts";
import { callsIn, faultsOf, recount } from "../support/recount.ts";
import { finished, serve, type ServeOptions } from "../support/served.ts";

const ITEMS = 4000;
const HOUR_MS = 3_600_000;
/** Makes a batch larger than what a full disk still takes. */
const PADDING = "x".repeat(500);
const newFolder = folders();
const mounted: string[] = [];
afterEach(async () => {
  await endChildren();
  for (const place of mounted.splice(0)) execFileSync("umount", ["-l", place]);
});

/** A place that can be filled and freed while a server writes to it. */
interface Medium {
  data: string;
  options: ServeOptions;
  fill(pid: number): void;
  free(pid: number): void;
}

/** A file system of its own: the disk is really full. Needs root. */
function tmpfs(folder: string): Medium {
  const place = join(folder, "disk");
  mkdirSync(place);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", place], { stdio: "pipe" });
  mounted.push(place);
  const filler = join(place, "filler");
  return {
    data: join(place, "data"),
    options: {},
    fill() {
      expect(() => {
        for (let file = 0; ; file++) writeFileSync(`${filler}${file}`, Buffer.alloc(64 * 1024));
      }).toThrow("ENOSPC");
    },
    free() {
      for (let file = 0; file < 24 * 16; file++) rmSync(`${filler}${file}`, { force: true });
    },
  };
}

/**
 * The kernel refuses every write of the server beyond the first MiB of a file; anybody may set that for a child of theirs. The
 * store's log is longer than that by then, the list of calls is not.
 */
function sizeLimit(folder: string): Medium {
  const limit = (pid: number, bytes: string): void => void execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`]);
  return {
    data: join(folder, "data"),
    // Without the trap the kernel's signal would end the process: a full disk sends none.
    options: { under: ["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh"] },
    fill: (pid) => limit(pid, "1048576"),
    free: (pid) => limit(pid, "unlimited"),
  };
}

function mayMount(): boolean {
  const place = newFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", place], { stdio: "pipe" });
    execFileSync("umount", [place]);
    return true;
  } catch (error) {
    console.log(
      `A full file system cannot be made here (${error instanceof Error ? error.message.split("\n")[0] : String(error)}): the size limit alone stands for it`,
    );
    return false;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

const media = { "a file size limit": sizeLimit, ...(mayMount() ? { "a full file system": tmpfs } : {}) };

describe.each(Object.entries(media))("%s", (_, make) => {
  it("refuses what is new with its cause, serves reads, keeps running work, and goes on when there is space", async () => {
    const folder = newFolder();
    const calls = join(folder, "calls");
    mkdirSync(calls);
    const { data, options, fill, free } = make(folder);
    const served = await serve(data, { ...options, env: { CALLS: calls, LOG_LEVEL: "error" } });
    const items = (first: number): Record<string, unknown>[] => numbered(first, ITEMS).map((item) => ({ ...item, weight: PADDING }));
    const gate = { file: join(folder, "gate"), from: ITEMS / 2 };
    const running = await served.client.create(
      { operation: "steady", options: { workMs: 20, batchSize: 250, retryBackoffMs: 10, timeout: HOUR_MS, gate } },
      items(0),
    );
    for await (const { processed } of served.client.watch(running.id)) if (processed > 0) break;

    fill(served.child.pid);
    const refused = await served.send("/api/batch/create", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ operation: "steady", items: items(ITEMS) }),
    });
    expect(refused.status).toBe(507);
    expect(await refused.json()).toMatchObject({
      success: false,
      code: "storage_full",
      error: expect.stringMatching(/^The store cannot write: .+Free some space; nothing accepted so far is lost$/),
    });
    const degradation = async (): Promise<{ mode: string; failing: string[] }> => {
      type Shown = { degradation: { mode: string; services: { name: string; status: string; consecutive_failures: number }[] } };
      const { degradation: found } = (await (await served.send("/api/system/pipeline")).json()) as Shown;
      const failing = found.services.filter(({ status, consecutive_failures: n }) => status === "unhealthy" && n > 0);
      return { mode: found.mode, failing: failing.map(({ name }) => name) };
    };
    await expect.poll(async () => (await degradation()).mode).toBe("minimal");
    expect((await degradation()).failing).toContain("writes");
    // The work that runs hits the wall too, and says so.
    writeFileSync(gate.file, "");
    await served.child.line(/"level":50.*The store cannot write/);
    const during = await served.client.get(running.id);
    expect(during.status).toBe("running");
    expect(during.processed_items).toBeGreaterThan(0);
    expect((await served.client.history({})).batches.map((batch) => batch.id)).toEqual([running.id]);
    expect((await served.send(`/api/batch/${running.id}/results?limit=10`)).status).toBe(200);
    // Sums that cannot catch up on the disk are read as if they had.
    const counted = await served.send("/api/batch/history?createdAfter=2020-01-01T00:00:00Z");
    expect(await counted.json()).toMatchObject({ success: true, total: 1 });
    const overview = (await (await served.send("/api/system/overview")).json()) as { queues: { name: string; items_per_minute: number }[] };
    expect(overview.queues.find((queue) => queue.name === "steady")!.items_per_minute).toBeGreaterThan(0);

    free(served.child.pid);
    await finished(served.client, running.id);
    await expect.poll(async () => (await degradation()).mode).toBe("normal");
    const later = await served.client.create({ operation: "steady" }, items(ITEMS));
    await finished(served.client, later.id);
    expect(await served.child.end("SIGTERM")).toEqual({ code: 0, signal: null });

    const { stored, findings, crashes } = await recount(data);
    expect(findings).toEqual([]);
    expect(crashes).toBe(0);
    expect(stored).toHaveLength(2);
    for (const [id, first] of [
      [running.id, 0],
      [later.id, ITEMS],
    ] as const)
      expect(
        faultsOf(
          stored.find((one) => one.batch.id === id)!,
          first,
          ITEMS,
          true,
        ),
      ).toEqual([]);
    // Results that were waiting for space were kept, not made again.
    const made = callsIn(calls);
    expect(new Set(made.map((call) => `${call.key} ${call.attempt}`)).size).toBe(made.length);
  });
});
