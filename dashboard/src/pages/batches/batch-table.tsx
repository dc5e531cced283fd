import { useEffect, type ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import type { Batch } from "batchyard/client";
import { count } from "../../figures/number.ts";
import { Meter } from "../../parts/meter.tsx";
import { BodyInSight, useRowsInSight } from "../../parts/rows-in-sight.tsx";
import { BatchStatusMark } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { preference } from "../../theme/preference.ts";
import { isSelected, type Selection } from "./selection.ts";

interface BatchTableProps {
  rows: readonly Batch[];
  /** All that match, loaded or not; null = nobody knows. */
  total: number | null;
  /** The row the keyboard stands on; -1: none. */
  active: number;
  selection: Selection;
  onToggle: (id: string) => void;
  /** The last loaded row comes into sight. */
  onEnd: () => void;
}

const ROW = { comfortable: 56, compact: 44 } as const;
const NEAR_THE_END = 20;

/** A real table of which only the rows in sight are drawn. */
export function BatchTable({ rows, total, active, selection, onToggle, onEnd }: BatchTableProps): ReactElement {
  const height = ROW[preference.get().density];
  const sight = useRowsInSight({ count: rows.length, heightOf: () => height, nearEnd: NEAR_THE_END, onEnd });
  const { scrollTo } = sight;
  useEffect(() => {
    if (active >= 0) scrollTo(active);
  }, [active, scrollTo]);
  return (
    <table aria-label="Batches" aria-rowcount={total === null ? -1 : total + 1} className="table table-fixed">
      <thead>
        <tr aria-rowindex={1}>
          <th scope="col" className="w-8">
            <span className="sr-only">Selected</span>
          </th>
          <th scope="col">Batch</th>
          <th scope="col" className="w-28">
            State
          </th>
          <th scope="col" className="hidden w-52 sm:table-cell">
            Progress
          </th>
          <th scope="col" className="number hidden w-24 lg:table-cell">
            Failed
          </th>
          <th scope="col" className="hidden w-32 pl-6! lg:table-cell">
            Priority
          </th>
          <th scope="col" className="number hidden w-32 md:table-cell">
            Created
          </th>
        </tr>
      </thead>
      <BodyInSight rows={sight}>
        {(index) => {
          const batch = rows[index];
          return batch === undefined ? null : (
            <BatchRow
              key={batch.id}
              batch={batch}
              height={height}
              index={index}
              isActive={index === active}
              selected={isSelected(selection, batch.id)}
              onToggle={onToggle}
            />
          );
        }}
      </BodyInSight>
    </table>
  );
}

interface BatchRowProps {
  batch: Batch;
  height: number;
  index: number;
  isActive: boolean;
  selected: boolean;
  onToggle: (id: string) => void;
}

function BatchRow({ batch, height, index, isActive, selected, onToggle }: BatchRowProps): ReactElement {
  const name = batch.name ?? batch.id;
  return (
    <tr
      aria-rowindex={index + 2}
      aria-selected={selected}
      style={{ height }}
      className={`${isActive ? "outline-2 -outline-offset-2 outline-accent" : ""} ${selected ? "bg-wash" : ""}`}
    >
      <td>
        <input
          type="checkbox"
          aria-label={`Select ${name}`}
          className="block size-4 accent-accent"
          checked={selected}
          onChange={() => onToggle(batch.id)}
        />
      </td>
      <td className="min-w-0">
        <Link to="/batches/$id" params={{ id: batch.id }} className="block truncate font-medium hover:text-accent hover:underline">
          {name}
        </Link>
        <span className="block truncate text-xs text-soft">
          {batch.operation}
          {batch.stream === null ? "" : ` · ${batch.stream}`}
          {batch.tags.map((tag) => ` · ${tag}`)}
        </span>
      </td>
      <td>
        <BatchStatusMark status={batch.status} />
      </td>
      <td className="hidden sm:table-cell">
        <span className="flex flex-col gap-1.5 pr-4">
          <span className="figure flex justify-between text-xs">
            <span>{batch.progress} %</span>
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
      </td>
      <td className={`number hidden lg:table-cell ${batch.failed_items > 0 ? "text-bad" : "text-soft"}`}>{count(batch.failed_items)}</td>
      <td className="hidden pl-6! text-soft lg:table-cell">{batch.priority}</td>
      <td className="number hidden text-soft md:table-cell">
        <Time at={batch.created_at} />
      </td>
    </tr>
  );
}
