import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { serve, TOKEN, type Served } from "../../src/api/server.fixture.ts";
import { kindOf, METRIC_NAMES, PREFIX } from "../../src/monitor/metrics/catalogue.ts";
import { Child } from "../support/child.ts";
import { ROOT } from "../support/sources.ts";

/** Named by scripts/test.mjs, which installs it; else the one of this machine. */
const PROMETHEUS = process.env["TEST_PROMETHEUS"] ?? "prometheus";
const PATIENCE = { timeout: 120_000, interval: 200 };
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
  it("scrapes what the API says, and knows every query of the rules and the board", async () => {
    const folder = mkdtempSync(join(tmpdir(), "batchyard-prometheus-"));
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
    const child = new Child(PROMETHEUS, [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      "--web.listen-address=127.0.0.1:0",
    ]);
    try {
      const [, port] = await child.line(/Listening on.*address=127\.0\.0\.1:(\d+)/);
      /** Null until it is ready for questions. */
      const asked = async <T>(path: string): Promise<T | null> => {
        const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
        return answer.ok ? ((await answer.json()) as { data: T }).data : null;
      };
      /** Once there is one: an answer that takes longer than the second between two scrapes counts as none. */
      const value = async (query: string): Promise<number> => {
        const now = async (): Promise<string | undefined> =>
          (await asked<{ result: { value: [number, string] }[] }>(`query?query=${encodeURIComponent(query)}`))?.result[0]?.value[1];
        return Number(await vi.waitUntil(now, PATIENCE));
      };
      await vi.waitUntil(async () => (await value('up{job="batchyard"}')) === 1, PATIENCE);

      expect(await value('batchyard_items_total{operation="echo",outcome="succeeded"}')).toBe(2);
      expect(await value('batchyard_items_total{operation="echo",outcome="failed"}')).toBe(1);
      expect(await value('batchyard_batch_total_seconds_count{operation="echo"}')).toBe(1);
      const { json } = await served.send({ url: "/api/system/pipeline" });
      const { active_batches } = json["batch_aggregator"] as unknown as { active_batches: number };
      expect(active_batches).toBe(1);
      expect(await value('batchyard_windows_open{stream="detections"}')).toBe(active_batches);

      type Rules = { groups: { rules: { health: string; lastError?: string }[] }[] };
      const evaluated = await vi.waitUntil(async () => {
        const rules = (await asked<Rules>("rules"))?.groups.flatMap((group) => group.rules) ?? [];
        return rules.length > 0 && rules.every(({ health }) => health !== "unknown") ? rules : null;
      }, PATIENCE);
      expect(evaluated.length).toBeGreaterThan(5);
      expect(evaluated.filter(({ health }) => health !== "ok")).toEqual([]);
    } finally {
      await child.end("SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("gets every metric of the catalogue that has something to say here, and none beside it", async () => {
    const shown = new Set([...(await scraped()).matchAll(/^# TYPE (\w+) (\w+)$/gm)].map((match) => `${match[1]} ${match[2]}`));
    expect([...shown].toSorted()).toEqual(METRIC_NAMES.map((name) => `${PREFIX}${name} ${kindOf(name).type}`).toSorted());
  });
});
