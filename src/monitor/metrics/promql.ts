import { combined, kindOf, PREFIX, sampledParts, type MetricName } from "./catalogue.ts";

/**
 * The same in Prometheus: of a counter what came in each `widthMs`, by its second label; of a histogram its 95th percentile; of a
 * gauge its mean. `source` is the value of the first label; absent = all together.
 */
export function promqlOf(name: MetricName, { source, widthMs }: { source?: string | undefined; widthMs: number }): string {
  const { type, labels, flow } = kindOf(name);
  const [first, second] = labels;
  const matcher = source === undefined || first === undefined ? "" : `{${first}="${escaped(source)}"}`;
  const window = `[${widthMs / 60_000}m]`;
  const series = `${PREFIX}${name}`;
  if (type === "histogram") return `histogram_quantile(0.95, sum by (le) (rate(${series}_bucket${matcher}${window})))`;
  const hasParts = second !== undefined && (flow !== null || sampledParts(name).length > 0);
  const by = hasParts ? ` by (${second})` : "";
  if (type === "counter") return `sum${by} (increase(${series}${matcher}${window}))`;
  return `${combined(name, 1, 2) === 2 ? "max" : "sum"}${by} (avg_over_time(${series}${matcher}${window}))`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
