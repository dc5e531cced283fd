import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { duration, durationSteps } from "../../figures/duration.ts";
import { Chart } from "../../parts/chart.tsx";
import { Awaited } from "../../parts/notice.tsx";
import { Section } from "../../parts/section.tsx";
import { type Latencies, latenciesQuery } from "./queries.ts";
import type { Span } from "./search.ts";

type Stage = keyof Latencies["snapshots"][number]["stages"];

/** How long windows of all streams took over time, by when they closed. */
export function Latency({ minutes }: { minutes: Span }): ReactElement {
  const { data, error, refetch } = useQuery(latenciesQuery(minutes));
  const p95 = (stage: Stage): (number | null)[] => data?.snapshots.map(({ stages }) => stages[stage]?.p95_ms ?? null) ?? [];
  return (
    <Section title="Latency over time" aside="all streams, p95 by when the window closed">
      {data === undefined ? (
        <Awaited error={error} lines={5} label="Loading latencies" retry={() => void refetch()} />
      ) : data.snapshots.length === 0 ? (
        <p className="text-soft">No window closed in this time.</p>
      ) : (
        <Chart
          title="Latency over time"
          times={data.snapshots.map(({ timestamp }) => Date.parse(timestamp) / 1000)}
          series={[
            { label: "Window", color: "soft", values: p95("detect_to_batch") },
            { label: "Queue", color: "warn", values: p95("batch_to_analyze") },
            { label: "End to end", color: "accent", values: p95("total_pipeline") },
          ]}
          format={duration}
          steps={durationSteps(1)}
        />
      )}
    </Section>
  );
}
