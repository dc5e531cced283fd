import { useMemo, type ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { PageTitle } from "../../shell/page-title.tsx";
import { MarkerList } from "./marker-list.tsx";
import { marksOf } from "./marks.ts";
import { MetricPicker } from "./metric-picker.tsx";
import { MetricView } from "./metric-view.tsx";
import { titleOf } from "./names.ts";
import { Panel } from "./panel.tsx";
import { historyQuery, markersQuery } from "./queries.ts";
import { RangeBar } from "./range-bar.tsx";
import { without } from "./search.ts";
import { SavedViews } from "./saved-views.tsx";

/** What most questions about the past begin with. */
const BOARD = [
  "items_total",
  "batches_total",
  "batch_wait_seconds",
  "batch_run_seconds",
  "windows_closed_total",
  "item_failures_total",
  "queue_depth",
  "worker_slots_busy",
] as const;

/** Any figure over time, beside the time before. */
export function HistoryPage(): ReactElement {
  const search = useSearch({ from: "/history" });
  const { metric } = search;
  // Of the board the first panel; of one metric itself.
  const { data } = useQuery(historyQuery(metric ?? BOARD[0], metric === undefined ? undefined : search.source, search));
  const markers = useQuery(markersQuery(search));
  const marks = useMemo(() => marksOf(markers.data ?? [], markers.dataUpdatedAt), [markers.data, markers.dataUpdatedAt]);
  return (
    <>
      <PageTitle
        title={metric === undefined ? "History" : titleOf(metric)}
        above={
          metric === undefined ? undefined : (
            <Link to="/history" search={without(search, "metric", "source", "part")} className="link text-sm">
              History
            </Link>
          )
        }
        actions={<SavedViews search={search} />}
      />
      <div className="flex flex-col gap-8">
        <div className="flex flex-col gap-4">
          <MetricPicker search={search} history={metric === undefined ? undefined : data} />
          <RangeBar search={search} shown={data?.current} />
        </div>
        {metric === undefined ? (
          <div className="grid gap-x-10 gap-y-8 lg:grid-cols-2">
            {BOARD.map((each) => (
              <Panel key={each} metric={each} search={search} marks={marks} />
            ))}
          </div>
        ) : (
          <MetricView search={search} metric={metric} marks={marks} />
        )}
        <MarkerList markers={markers.data ?? []} />
      </div>
    </>
  );
}
