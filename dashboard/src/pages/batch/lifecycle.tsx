import type { ReactElement, ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import type { Batch } from "batchyard/client";
import { batchAboutQuery } from "../../data/queries.ts";
import { duration } from "../../figures/duration.ts";
import { plural } from "../../figures/number.ts";
import { fullTime } from "../../figures/time.ts";
import { isOpen } from "../../parts/batch-state.ts";

interface Step {
  name: string;
  /** How long it took, or when it was. */
  value: ReactNode;
  below: string;
}

/** The way of the batch, step by step: collected, closed, waited, run. */
export function Lifecycle({ batch }: { batch: Batch }): ReactElement {
  const window = useQuery(batchAboutQuery(batch.id)).data?.window ?? null;
  const at = (time: string): string => fullTime(time);
  const between = (from: string, to: string): string => duration(Math.max(0, Date.parse(to) - Date.parse(from)));
  const tries = [
    ...(batch.retried_items > 0 ? [`${plural(batch.retried_items, "item")} tried again`] : []),
    ...(batch.epoch > 1 ? [`run ${batch.epoch}`] : []),
  ].join(", ");
  const steps: Step[] = [
    ...(window === null
      ? [{ name: "Created", value: at(batch.created_at), below: batch.stream === null ? "as a whole" : "by its stream" }]
      : [
          { name: "Opened", value: at(window.opened_at), below: `window of ${batch.key ?? "all items"}` },
          {
            name: "Closed",
            value: `after ${between(window.opened_at, window.closed_at)}`,
            below: `by ${window.reason.replaceAll("_", " ")}${window.lag_seconds === null ? "" : `, ${duration(window.lag_seconds * 1_000)} late`}`,
          },
        ]),
    // Of a later run nobody knows since when it waited.
    ...(batch.started_at === null
      ? [
          isOpen(batch)
            ? { name: "Waits", value: "for a slot", below: "not started" }
            : { name: "Waited", value: "to its end", below: "never started" },
        ]
      : batch.epoch > 1
        ? []
        : [{ name: "Waited", value: between(batch.created_at, batch.started_at), below: "for a slot" }]),
    ...(batch.started_at === null
      ? []
      : [
          {
            name: "Ran",
            value: batch.completed_at === null ? `since ${at(batch.started_at)}` : between(batch.started_at, batch.completed_at),
            below: tries === "" ? "no item tried again" : tries,
          },
        ]),
    ...(batch.completed_at === null ? [] : [{ name: "Ended", value: at(batch.completed_at), below: batch.status }]),
  ];
  return (
    <ol aria-label="Way of the batch" className="flex flex-wrap gap-x-8 gap-y-4 text-sm">
      {steps.map((step) => (
        <li key={step.name} className="flex flex-col border-l-2 border-line pl-3">
          <span className="text-soft">{step.name}</span>
          <span className="figure font-medium">{step.value}</span>
          <span className="text-soft">{step.below}</span>
        </li>
      ))}
    </ol>
  );
}
