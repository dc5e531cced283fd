import { useEffect, useMemo, useState, useSyncExternalStore, type ReactElement } from "react";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { BatchFilter } from "batchyard/client";
import { batchesQuery } from "../../data/queries.ts";
import { matches, type Matches, plural } from "../../figures/number.ts";
import { arrivals } from "../../live/arrivals.ts";
import { Icon } from "../../parts/icon.tsx";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { BatchTable } from "./batch-table.tsx";
import { BulkBar } from "./bulk-bar.tsx";
import { NoMatch } from "./no-match.tsx";
import { NO_SELECTION, type Selection, toggled } from "./selection.ts";

/** The rows that match, as they are loaded; new ones wait until the reader takes them in. */
export function BatchList({ filter }: { filter: BatchFilter }): ReactElement {
  const query = batchesQuery(filter);
  const { data, error, refetch, fetchNextPage, hasNextPage, isFetchingNextPage } = useInfiniteQuery(query);
  const cache = useQueryClient();
  const navigate = useNavigate();
  const waiting = useSyncExternalStore(arrivals.subscribe, arrivals.get);
  const [selection, select] = useState<Selection>(NO_SELECTION);
  const [active, setActive] = useState(-1);
  const rows = useMemo(() => data?.pages.flatMap((page) => page.batches) ?? [], [data]);
  const first = data?.pages[0];
  const found: Matches = { total: first?.total ?? 0, isExact: first?.totalIsExact ?? true };
  const isLooking = rows.length === 0 && hasNextPage;
  useEffect(() => {
    if (isLooking && !isFetchingNextPage && error === null) void fetchNextPage();
  }, [isLooking, isFetchingNextPage, error, fetchNextPage]);
  const move = (by: number): void => setActive((at) => Math.max(0, Math.min(rows.length - 1, at + by)));
  const activeId = rows[active]?.id;
  useShortcuts([
    { keys: "j", label: "Next batch", run: () => move(1) },
    { keys: "k", label: "Previous batch", run: () => move(-1) },
    { keys: "x", label: "Select the batch", run: () => activeId !== undefined && select(toggled(selection, activeId)) },
    {
      keys: "o",
      label: "Open the batch",
      run: () => activeId !== undefined && void navigate({ to: "/batches/$id", params: { id: activeId } }),
    },
    { keys: "Escape", label: "Drop the selection", run: () => select(NO_SELECTION) },
  ]);
  const takeIn = (): void => {
    arrivals.taken();
    void cache.resetQueries({ queryKey: query.queryKey });
  };

  if (data === undefined)
    return error === null ? <Loading lines={10} label="Loading batches" /> : <Fault error={error} retry={() => void refetch()} />;
  return (
    <div className="flex flex-col gap-3">
      <div className="flex min-h-9 flex-wrap items-center gap-3 text-sm text-soft">
        <span className="figure">
          {matches(found)} {found.total === 1 && found.isExact ? "batch" : "batches"}
        </span>
        {waiting === 0 ? null : (
          <button type="button" className="button rounded-full! border-accent text-accent" onClick={takeIn}>
            <Icon name="up" /> {plural(waiting, "new batch", "new batches")}
          </button>
        )}
        <BulkBar filter={filter} found={found} rows={rows} selection={selection} onSelect={select} />
      </div>
      {isLooking ? (
        <Loading lines={10} label="Looking through older batches" />
      ) : rows.length === 0 ? (
        Object.keys(filter).length === 0 ? (
          <None />
        ) : (
          <NoMatch />
        )
      ) : (
        <BatchTable
          rows={rows}
          total={found.isExact ? found.total : null}
          active={active}
          selection={selection}
          onToggle={(id) => select(toggled(selection, id))}
          onEnd={() => {
            if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
          }}
        />
      )}
      {error === null ? null : <Fault error={error} retry={() => void refetch()} />}
    </div>
  );
}

function None(): ReactElement {
  return (
    <Empty title="There are no batches yet">
      <Link to="/batches/new" className="link">
        Make the first one
      </Link>
      , or send it by the API; the snippets are on the{" "}
      <Link to="/" className="link">
        overview
      </Link>
      .
    </Empty>
  );
}
