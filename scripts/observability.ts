/** What is made from the catalogue of metrics: the table of docs/operate/metrics.md, the Prometheus alert rules, the Grafana board. */
import { kindOf, METRIC_GROUPS, METRIC_NAMES, PREFIX, type MetricGroup, type MetricName } from "../src/monitor/metrics/catalogue.ts";

const HEADINGS: Record<MetricGroup, string> = {
  intake: "Intake",
  windows: "Windows",
  queue: "Queue",
  run: "Run",
  workers: "Workers",
  events: "Events",
  money: "Money",
  self: "The server itself",
};

const named = (name: MetricName): string => PREFIX + name;

export function metricTable(): string {
  const rows = METRIC_GROUPS.flatMap((group) =>
    METRIC_NAMES.filter((name) => kindOf(name).group === group).map((name) => {
      const { type, labels, help } = kindOf(name);
      return `| ${HEADINGS[group]} | \`${named(name)}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |`;
    }),
  );
  return ["| group | name | type | labels | what it says |", "|---|---|---|---|---|", ...rows].join("\n");
}

interface AlertRule {
  name: string;
  /** PromQL; `{metric}` names one of the catalogue. */
  when: string;
  holds: string;
  severity: "warning" | "critical";
  summary: string;
  cure: string;
}

const ALERTS: readonly AlertRule[] = [
  {
    name: "BatchyardDown",
    when: 'up{job="batchyard"} == 0',
    holds: "1m",
    severity: "critical",
    summary: "Batchyard does not answer",
    cure: "Look at its log; /readyz says which part is missing.",
  },
  {
    name: "BatchyardNotReady",
    when: "{ready} == 0",
    holds: "1m",
    severity: "critical",
    summary: "{{ $labels.part }} is not ready",
    cure: "The log says why; without the store nothing is accepted.",
  },
  {
    name: "BatchyardFailureRateHigh",
    when: 'sum by (operation) (rate({items_total}{outcome="failed"}[15m])) / sum by (operation) (rate({items_total}{outcome=~"failed|succeeded"}[15m])) > 0.1',
    holds: "5m",
    severity: "critical",
    summary: "More than 10 % of the items of {{ $labels.operation }} fail",
    cure: "GET /api/admin/batch-monitoring/analysis/errors groups them by code.",
  },
  {
    name: "BatchyardQueueGrowing",
    when: "deriv({queue_waiting}[15m]) > 0 and {queue_waiting} > 20",
    holds: "15m",
    severity: "warning",
    summary: "More batches wait than 15 minutes ago, and more come than end",
    cure: "GET /api/system/overview names the bottleneck.",
  },
  {
    name: "BatchyardQueueWaitHigh",
    when: "max by (operation) ({queue_oldest_wait_seconds}) > 300",
    holds: "5m",
    severity: "warning",
    summary: "A batch of {{ $labels.operation }} has waited for more than five minutes",
    cure: "GET /api/batch/:id/why says what it waits for.",
  },
  {
    name: "BatchyardBackpressure",
    when: "{queue_waiting} >= 0.8 * {queue_limit}",
    holds: "1m",
    severity: "warning",
    summary: "The queue is nearly full: windows hold, and soon new batches are refused",
    cure: "Add workers, or raise queue.max_size.",
  },
  {
    name: "BatchyardWindowLate",
    when: "max by (stream) ({window_oldest_age_ratio}) > 1.5",
    holds: "1m",
    severity: "warning",
    summary: "A window of {{ $labels.stream }} is open beyond its limit",
    cure: "It is held by backpressure or minItems; GET /api/streams/:name/windows shows it.",
  },
  {
    name: "BatchyardBreakerOpen",
    when: "max by (operation) ({breaker_open}) == 1",
    holds: "1m",
    severity: "critical",
    summary: "{{ $labels.operation }} is stopped: what it talks to fails",
    cure: "GET /api/system/breakers has the last error; it probes by itself.",
  },
  {
    name: "BatchyardWorkerLost",
    when: 'sum({workers}{state="lost"}) > 0',
    holds: "1m",
    severity: "critical",
    summary: "A worker fell silent while it held chunks",
    cure: "Its chunks were given to others; look at the worker.",
  },
  {
    name: "BatchyardChunksStalled",
    when: "sum by (operation) (increase({chunks_lost_total}[15m])) > 3",
    holds: "0m",
    severity: "warning",
    summary: "Chunks of {{ $labels.operation }} are lost again and again",
    cure: "Workers die or block for longer than the lease; see the log of the worker.",
  },
  {
    name: "BatchyardEventLoopSlow",
    when: "{event_loop_lag_p99_seconds} > 0.5",
    holds: "5m",
    severity: "warning",
    summary: "The server is kept from its work for half a second at a time",
    cure: "Move handlers to threads or outside workers.",
  },
];

function expression(text: string): string {
  return text.replace(/\{([a-z0-9_]+)\}/g, (whole, name: string) => {
    if (!METRIC_NAMES.includes(name as MetricName)) throw new Error(`${whole} is not a metric of the catalogue`);
    return PREFIX + name;
  });
}

/** JSON is YAML: every text of a rule is quoted. */
export function alertRules(): string {
  const rules = ALERTS.flatMap(({ name, when, holds, severity, summary, cure }) => [
    `      - alert: ${name}`,
    `        expr: ${JSON.stringify(expression(when))}`,
    `        for: ${holds}`,
    `        labels: { severity: ${severity} }`,
    `        annotations:`,
    `          summary: ${JSON.stringify(summary)}`,
    `          description: ${JSON.stringify(cure)}`,
  ]);
  return ["# Made by `npm run docs` from scripts/observability.ts.", "groups:", "  - name: batchyard", "    rules:", ...rules, ""].join(
    "\n",
  );
}

interface Panel {
  title: string;
  unit: string;
  queries: [when: string, legend: string][];
}

const ROWS: readonly { title: string; panels: readonly Panel[] }[] = [
  {
    title: "Now",
    panels: [
      { title: "Batches that wait", unit: "short", queries: [["sum by (operation) ({queue_depth})", "{{operation}}"]] },
      {
        title: "Slots in use",
        unit: "percentunit",
        queries: [["{worker_slots_busy} / {worker_slots}", "in use"]],
      },
      {
        title: "Failures",
        unit: "percentunit",
        queries: [
          ['sum(rate({items_total}{outcome="failed"}[5m])) / sum(rate({items_total}{outcome=~"failed|succeeded"}[5m]))', "share of items"],
        ],
      },
    ],
  },
  {
    title: "Windows",
    panels: [
      { title: "Items received", unit: "ops", queries: [["sum by (stream) (rate({stream_items_received_total}[5m]))", "{{stream}}"]] },
      { title: "Closures by reason", unit: "ops", queries: [["sum by (reason) (rate({windows_closed_total}[5m]))", "{{reason}}"]] },
      {
        title: "Age at closure, p95",
        unit: "s",
        queries: [["histogram_quantile(0.95, sum by (le, stream) (rate({window_age_seconds}_bucket[15m])))", "{{stream}}"]],
      },
      { title: "Oldest window as a share of its limit", unit: "percentunit", queries: [["{window_oldest_age_ratio}", "{{stream}}"]] },
    ],
  },
  {
    title: "Queue and run",
    panels: [
      { title: "Batches by step", unit: "ops", queries: [["sum by (step) (rate({batches_total}[5m]))", "{{step}}"]] },
      { title: "Items by outcome", unit: "ops", queries: [["sum by (outcome) (rate({items_total}[5m]))", "{{outcome}}"]] },
      {
        title: "Where the time goes, p95",
        unit: "s",
        queries: [
          ["histogram_quantile(0.95, sum by (le) (rate({batch_wait_seconds}_bucket[15m])))", "wait"],
          ["histogram_quantile(0.95, sum by (le) (rate({batch_run_seconds}_bucket[15m])))", "run"],
          ["histogram_quantile(0.95, sum by (le) (rate({batch_total_seconds}_bucket[15m])))", "total"],
        ],
      },
      { title: "Failures by category", unit: "ops", queries: [["sum by (category) (rate({item_failures_total}[5m]))", "{{category}}"]] },
    ],
  },
  {
    title: "Money and the server itself",
    panels: [
      { title: "Paid per hour", unit: "currencyUSD", queries: [["sum by (model) (rate({model_paid_usd_total}[1h])) * 3600", "{{model}}"]] },
      { title: "Clients", unit: "short", queries: [["{stream_clients}", "{{door}}"]] },
      { title: "Memory", unit: "bytes", queries: [["{resident_memory_bytes}", "resident"]] },
      { title: "Event loop lag, p99", unit: "s", queries: [["{event_loop_lag_p99_seconds}", "lag"]] },
    ],
  },
  {
    title: "Store, caches, limits of providers",
    panels: [
      {
        title: "Store connections in use",
        unit: "percentunit",
        queries: [["rate({store_busy_seconds_total}[5m]) / {store_connections}", "use"]],
      },
      {
        title: "Store on disk",
        unit: "bytes",
        queries: [
          ["{store_size_bytes}", "size"],
          ["{store_free_bytes}", "free in it"],
          ["{store_log_bytes}", "log"],
        ],
      },
      {
        title: "Cache hit rate",
        unit: "percentunit",
        queries: [["rate({cache_hits_total}[15m]) / (rate({cache_hits_total}[15m]) + rate({cache_misses_total}[15m]))", "{{cache}}"]],
      },
      {
        title: "Provider limits in use",
        unit: "percentunit",
        queries: [
          ["{provider_rate_use_ratio}", "{{provider}} {{unit}}"],
          ["{provider_enqueued_tokens} / {provider_enqueued_tokens_limit}", "{{provider}} {{model}} enqueued"],
        ],
      },
    ],
  },
];

/** A Grafana board over a Prometheus data source that is chosen when it is imported. */
export function grafanaBoard(): string {
  const datasource = { type: "prometheus", uid: "${DS_PROMETHEUS}" };
  const panels: object[] = [];
  let y = 0;
  for (const { title, panels: own } of ROWS) {
    panels.push({ type: "row", title, id: panels.length + 1, collapsed: false, panels: [], gridPos: { x: 0, y: y++, w: 24, h: 1 } });
    const w = 24 / own.length;
    own.forEach((panel, column) =>
      panels.push({
        type: "timeseries",
        title: panel.title,
        id: panels.length + 1,
        datasource,
        fieldConfig: { defaults: { unit: panel.unit }, overrides: [] },
        gridPos: { x: column * w, y, w, h: 8 },
        targets: panel.queries.map(([when, legendFormat], n) => ({
          refId: String.fromCharCode(65 + n),
          datasource,
          expr: expression(when),
          legendFormat,
        })),
      }),
    );
    y += 8;
  }
  const board = {
    __inputs: [{ name: "DS_PROMETHEUS", label: "Prometheus", type: "datasource", pluginId: "prometheus", pluginName: "Prometheus" }],
    title: "Batchyard",
    uid: "batchyard",
    schemaVersion: 39,
    time: { from: "now-6h", to: "now" },
    refresh: "30s",
    tags: ["batchyard"],
    panels,
  };
  return `${JSON.stringify(board, null, 2)}\n`;
}
