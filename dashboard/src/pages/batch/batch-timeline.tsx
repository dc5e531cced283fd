import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { vizQuery } from "../../data/queries.ts";
import { compact } from "../../figures/number.ts";
import { Chart } from "../../parts/chart.tsx";
import { Awaited } from "../../parts/notice.tsx";
import { Section } from "../../parts/section.tsx";

/** How its items ended over time, added up. */
export function BatchTimeline({ id }: { id: string }): ReactElement {
  const { data, error, refetch } = useQuery(vizQuery(id));
  return (
    <Section title="Timeline">
      {data === undefined ? (
        <Awaited error={error} lines={5} label="Loading the timeline" retry={() => void refetch()} />
      ) : data.timeline.length < 2 ? (
        <p className="text-soft">
          {data.timeline.length === 0 ? "No item has ended yet." : "Everything ended within one interval; a line needs two."}
        </p>
      ) : (
        <Chart
          title="Ended items over time"
          times={data.timeline.map((point) => Date.parse(point.timestamp) / 1000)}
          series={[
            { label: "Succeeded", color: "good", area: true, values: data.timeline.map((point) => point.successful) },
            { label: "Failed", color: "bad", values: data.timeline.map((point) => point.failed) },
          ]}
          format={compact}
        />
      )}
    </Section>
  );
}
