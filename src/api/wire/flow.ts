import type { FlowReport, StageTimes } from "../../monitor/health/flow-report.ts";
import type { StageFigures } from "../../monitor/pipeline.ts";
import { round } from "./batch.ts";

export function wireFlow({ stages, batch, tries, saturation }: FlowReport, total: StageFigures | null): object {
  const { settled, retried, byCategory } = tries;
  return {
    stages: stages.map(({ stage, count, times, share }) => ({ stage, count, times: wireTimes(times), share: round(share, 4) })),
    batch: wireTimes(batch),
    end_to_end: total === null ? null : wireTimes({ mean: total.avg_ms, p50: total.p50_ms, p95: total.p95_ms, p99: total.p99_ms }),
    tries: { settled, retried, share: settled + retried === 0 ? null : round(retried / (settled + retried), 4), by_category: byCategory },
    saturation: saturation.map(({ at, utilisation, waitP95Ms, batches }) => ({
      timestamp: new Date(at).toISOString(),
      utilisation: round(utilisation, 4),
      wait_p95_seconds: round(waitP95Ms / 1000, 3),
      batches,
    })),
  };
}

function wireTimes(times: StageTimes["times"]): object | null {
  if (times === null) return null;
  const seconds = (ms: number): number => round(ms / 1000, 3);
  return {
    mean_seconds: seconds(times.mean),
    p50_seconds: seconds(times.p50),
    p95_seconds: seconds(times.p95),
    p99_seconds: seconds(times.p99),
  };
}
