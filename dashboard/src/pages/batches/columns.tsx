import type { ReactNode } from "react";
import type { Batch } from "batchyard/client";
import { duration } from "../../figures/duration.ts";
import { count, exactMoney, money } from "../../figures/number.ts";
import { isCutShort, isOpen } from "../../parts/batch-state.ts";
import { Meter } from "../../parts/meter.tsx";
import { BatchStatusMark } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import type { ColumnName } from "./column-names.ts";
import type { Sort } from "./search.ts";

export interface Column {
  label: string;
  /** Rem. */
  width: number;
  /** The room from which it is shown to a reader who chose no columns. */
  from: "" | "sm" | "md" | "lg";
  number: boolean;
  sort?: Sort;
  cell: (batch: Batch) => ReactNode;
}

const text = (value: string | null): ReactNode =>
  value === null ? (
    <span className="text-soft">—</span>
  ) : (
    <span className="block truncate" title={value}>
      {value}
    </span>
  );

export const COLUMNS: Readonly<Record<ColumnName, Column>> = {
  state: { label: "State", width: 7, from: "", number: false, cell: state },
  progress: { label: "Progress", width: 13, from: "sm", number: false, cell: progress },
  items: { label: "Items", width: 6, from: "lg", number: true, sort: "items", cell: ({ total_items: items }) => count(items) },
  failed: {
    label: "Failed",
    width: 6.5,
    from: "lg",
    number: true,
    sort: "failed",
    cell: ({ failed_items: failed }) => <span className={failed > 0 ? "text-bad" : "text-soft"}>{count(failed)}</span>,
  },
  priority: {
    label: "Priority",
    width: 7,
    from: "lg",
    number: false,
    cell: ({ priority }) => <span className="text-soft">{priority}</span>,
  },
  stream: { label: "Stream", width: 9, from: "lg", number: false, cell: ({ stream }) => text(stream) },
  key: { label: "Key", width: 9, from: "lg", number: false, cell: ({ key }) => text(key) },
  cost: {
    label: "Cost",
    width: 6,
    from: "lg",
    number: true,
    cell: ({ cost }) => (
      <span className={cost === 0 ? "text-soft" : ""} title={exactMoney(cost)}>
        {cost === 0 ? "—" : money(cost)}
      </span>
    ),
  },
  duration: { label: "Duration", width: 7.5, from: "lg", number: true, sort: "duration", cell: took },
  created: {
    label: "Created",
    width: 7.5,
    from: "md",
    number: true,
    sort: "created",
    cell: ({ created_at: at }) => soft(<Time at={at} />),
  },
  ended: {
    label: "Ended",
    width: 7.5,
    from: "md",
    number: true,
    sort: "completed",
    cell: ({ completed_at: at }) => soft(<Time at={at} />),
  },
};

function soft(children: ReactNode): ReactNode {
  return <span className="text-soft">{children}</span>;
}

function took({ started_at: started, completed_at: ended }: Batch): ReactNode {
  if (started === null || ended === null) return soft("—");
  const ms = Math.max(0, Date.parse(ended) - Date.parse(started));
  return <span title={`${count(ms)} ms`}>{duration(ms)}</span>;
}

/** Where there is no room for the progress, how far it is stands below the state. */
function state(batch: Batch): ReactNode {
  const { status, progress: percent, failed_items: failed } = batch;
  const said = isOpen(batch) ? `${percent} %` : isCutShort(batch) ? "ended early" : failed > 0 ? `${count(failed)} failed` : null;
  return (
    <>
      <BatchStatusMark status={status} />
      {said === null ? null : <span className="figure hidden pl-5 text-xs text-soft @max-xl:block">{said}</span>}
    </>
  );
}

function progress(batch: Batch): ReactNode {
  return (
    <span className="flex flex-col gap-1.5 pr-4">
      <span className="figure flex justify-between text-xs">
        {isCutShort(batch) ? <span className="text-soft">Ended early</span> : <span>{batch.progress} %</span>}
        <span className="text-soft">
          {count(batch.processed_items)} / {count(batch.total_items)}
        </span>
      </span>
      <Meter
        label="Items"
        total={batch.total_items}
        shares={[
          { label: "succeeded", value: batch.succeeded_items, tone: batch.status === "running" ? "busy" : "good" },
          { label: "failed", value: batch.failed_items, tone: "bad" },
        ]}
      />
    </span>
  );
}
