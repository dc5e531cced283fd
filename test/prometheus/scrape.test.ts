import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { serve, TOKEN, type Served } from "../../src/api/server.fixture.ts";
import { kindOf, METRIC_NAMES, PREFIX } from "../../src/monitor/metrics/catalogue.ts";
import { ROOT } from "../support/sources.ts";

/** Named by scripts/test.mjs, which installs it; else the one of this machine. */
const PROMETHEUS = process.env["TEST_PROMETHEUS"] ?? "prometheus";
const PROMTOOL = PROMETHEUS.includes("/") ? join(dirname(PROMETHEUS), "promtool") : "promtool";

let served: Served;
let url: string;

beforeAll(async () => {
  served = await serve({ settings: { BATCH_WINDOW_SECONDS: "600", BATCH_IDLE_TIMEOUT_SECONDS: "300" } });
  url = await served.listen();
  const id = await served.create({ operation: "echo", items: [{ id: "a" }, { id: "b" }, { id: "c", fail: "no" }] });
  await served.event("batch.completed", id);
  const detection = { detection_id: 1, camera_id: "gate", label: "car", confidence: 0.5, timestamp: "2026-01-01T00:00:00Z" };
  await served.send({ method: "POST", url: "/api/detections", payload: detection });
});

afterAll(() => served.close());

const scraped = async (): Promise<string> => (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).text();

describe("promtool", () => {
  it("has nothing to say about the names, types and help of the metrics", async () => {
    const checked = spawnSync(PROMTOOL, ["check", "metrics"], { input: await scraped(), encoding: "utf8" });
    expect(checked.stdout + checked.stderr).toBe("");
    expect(checked.status).toBe(0);
  });

  it("accepts the alert rules", () => {
    const checked = spawnSync(PROMTOOL, ["check", "rules", join(ROOT, "docs/operate/prometheus-rules.yml")], { encoding: "utf8" });
    expect(checked.stderr).toBe("");
    expect(checked.stdout).toMatch(/SUCCESS: \d+ rules found/);
  });
});

describe("Prometheus", () => {
  it("scrapes what the API says, and knows every query of the rules and the board", { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "batchyard-prometheus-"));
    const port = await freePort();
    const rules = join(ROOT, "docs/operate/prometheus-rules.yml");
    writeFileSync(
      join(folder, "prometheus.yml"),
      `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [${JSON.stringify(rules)}]
scrape_configs:
  - job_name: batchyard
    authorization: { credentials: ${TOKEN} }
    static_configs: [{ targets: [${JSON.stringify(new URL(url).host)}] }]
`,
    );
    const child = spawn(
      PROMETHEUS,
      [
        `--config.file=${join(folder, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: "ignore" },
    );
    const ended = new Promise((resolve) => child.once("exit", resolve));
    try {
      const value = async (query: string): Promise<number | null> => {
        const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`);
        const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
        return data.result[0] === undefined ? null : Number(data.result[0].value[1]);
      };
      await vi.waitUntil(async () => (await value('up{job="batchyard"}').catch(() => null)) === 1, { timeout: 60_000, interval: 200 });

      expect(await value('batchyard_items_total{operation="echo",outcome="succeeded"}')).toBe(2);
      expect(await value('batchyard_items_total{operation="echo",outcome="failed"}')).toBe(1);
      expect(await value('batchyard_batch_total_seconds_count{operation="echo"}')).toBe(1);
      const { json } = await served.send({ url: "/api/system/pipeline" });
      const { active_batches } = json["batch_aggregator"] as unknown as { active_batches: number };
      expect(active_batches).toBe(1);
      expect(await value('batchyard_windows_open{stream="detections"}')).toBe(active_batches);

      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/rules`);
      const { data } = (await answer.json()) as { data: { groups: { rules: { lastError?: string }[] }[] } };
      expect(data.groups[0]?.rules.length).toBeGreaterThan(5);
      expect(data.groups[0]?.rules.filter((rule) => rule.lastError !== undefined && rule.lastError !== "")).toEqual([]);
    } finally {
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("gets every metric of the catalogue that has something to say here, and none beside it", async () => {
    const shown = new Set([...(await scraped()).matchAll(/^# TYPE (\w+) (\w+)$/gm)].map((match) => `${match[1]} ${match[2]}`));
    expect([...shown].toSorted()).toEqual(METRIC_NAMES.map((name) => `${PREFIX}${name} ${kindOf(name).type}`).toSorted());
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
