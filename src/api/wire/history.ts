import { iso } from "../../model/clock.ts";
import { kindOf, unitOf, type MetricName } from "../../monitor/metrics/catalogue.ts";
import type { History, HistoryPoint } from "../../monitor/metrics/history.ts";
import { write } from "../../formats/writer.ts";
import type { Outcome } from "../route.ts";
import { round } from "./batch.ts";

/** What is known of a metric besides its figures. */
export function wireMetric(metric: MetricName) {
  const { type, help, labels } = kindOf(metric);
  return { metric, type, unit: unitOf(metric), help, labels };
}

export function wireHistory({ points, whole }: History, from: number, to: number) {
  const wire = ({ at, ...point }: HistoryPoint) => ({ timestamp: iso(at)!, ...point });
  return { from: iso(from)!, to: iso(to)!, whole: wire(whole), points: points.map(wire) };
}

/** Null where there was nothing before. */
export function changePercent(current: History, previous: History): number | null {
  const [now, before] = [current.whole.value, previous.whole.value];
  return now === null || before === null || before === 0 ? null : round(((now - before) / before) * 100, 1);
}

const PERCENTILES = ["p50", "p95", "p99", "max"] as const;

/** A line a point: its figures, its parts each in a column, and the same of the time before. Nothing stands for what is not known. */
export function historyFile(current: History, previous: History, metric: MetricName): Outcome {
  const every = [...current.points, ...previous.points];
  const parts = [...new Set(every.flatMap((point) => Object.keys(point.parts ?? {})))].toSorted();
  const percentiles = PERCENTILES.filter((name) => every.some((point) => point[name] !== undefined));
  const figures = (point: HistoryPoint | undefined, prefix: string): Record<string, unknown> => ({
    [`${prefix}value`]: point?.value ?? null,
    ...Object.fromEntries(percentiles.map((name) => [`${prefix}${name}`, point?.[name] ?? null])),
    ...Object.fromEntries(
      parts.map((name) => [`${prefix}${name}`, point === undefined || point.value === null ? null : (point.parts?.[name] ?? 0)]),
    ),
  });
  const rows = current.points.map((point, n) => {
    // The time before may begin within a bucket and have one more.
    const before = previous.points[previous.points.length - current.points.length + n];
    return {
      timestamp: iso(point.at),
      ...figures(point, ""),
      previous_timestamp: iso(before?.at ?? null),
      ...figures(before, "previous_"),
    };
  });
  const lines = (async function* () {
    yield rows;
  })();
  return {
    kind: "stream",
    stream: write("csv", lines, { fields: Object.keys(rows[0] ?? {}) }),
    headers: { "content-type": "text/csv; charset=utf-8", "content-disposition": `attachment; filename="${metric}.csv"` },
  };
}
