import { useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactElement } from "react";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { BatchFilter } from "batchyard/client";
import { batchesQuery } from "../../data/queries.ts";
import { count, matches, type Matches } from "../../figures/number.ts";
import { arrivals } from "../../live/arrivals.ts";
import { Icon } from "../../parts/icon.tsx";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { Wide } from "../../parts/section.tsx";
import { useRowKeys } from "../../shell/row-keys.ts";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { BatchTable } from "./batch-table.tsx";
import { BulkBar } from "./bulk-bar.tsx";
import { USUAL_COLUMNS } from "./column-names.ts";
import { ExportPicker } from "./export-picker.tsx";
import { newsFor } from "./news.ts";
import { NoMatch } from "./no-match.tsx";
import { batchesSearch, columnsOf, SORTS } from "./search.ts";
import { ALL_SELECTED, isSelected, NO_SELECTION, type Selection, withSelected } from "./selection.ts";
import { ViewDialog } from "./view-dialog.tsx";

/** The rows that match, as they are loaded; new ones wait until the reader takes them in. */
export function BatchList({ filter }: { filter: BatchFilter }): ReactElement {
  const search = useSearch({ from: "/batches" });
  const { sort = "created", order = "desc", columns: columnText, select: mode } = search;
  const sorting = { ...(sort === "created" ? {} : { sort }), ...(order === "desc" ? {} : { order }) };
  const query = batchesQuery(filter, sorting);
  const { data, error, refetch, fetchNextPage, hasNextPage, isFetchingNextPage } = useInfiniteQuery(query);
  const cache = useQueryClient();
  const navigate = useNavigate();
  const heard = useSyncExternalStore(arrivals.subscribe, arrivals.get);
  const [picked, setPicked] = useState<Selection>(mode === "all" ? ALL_SELECTED : NO_SELECTION);
  const [viewing, setViewing] = useState(false);
  const anchor = useRef(-1);
  const rows = useMemo(() => data?.pages.flatMap((page) => page.batches) ?? [], [data]);
  const first = data?.pages[0];
  const found: Matches = { total: first?.total ?? 0, isExact: first?.totalIsExact ?? true };
  const askedAt = first?.askedAt ?? Infinity;
  const isLooking = rows.length === 0 && hasNextPage;
  useEffect(() => {
    if (isLooking && !isFetchingNextPage && error === null) void fetchNextPage();
  }, [isLooking, isFetchingNextPage, error, fetchNextPage]);
  const news = useMemo(() => newsFor(filter, heard, askedAt, rows), [filter, heard, askedAt, rows]);
  // Back and forth in the history of the browser changes the address only.
  const selection = picked.all === (mode === "all") ? picked : mode === "all" ? ALL_SELECTED : NO_SELECTION;

  function select(next: Selection): void {
    setPicked(next);
    if (next.all === (mode === "all")) return;
    const place = batchesSearch({ ...search, select: next.all ? "all" : undefined });
    void navigate({ to: "/batches", search: place, replace: true, resetScroll: false });
  }
  function toggle(index: number, range: boolean): void {
    const id = rows[index]?.id;
    if (id === undefined) return;
    const from = range && anchor.current >= 0 ? anchor.current : index;
    const ids = rows.slice(Math.min(from, index), Math.max(from, index) + 1).map((batch) => batch.id);
    anchor.current = index;
    select(withSelected(selection, ids, from === index ? !isSelected(selection, id) : true));
  }
  const takeIn = (): void => {
    if (news.count > 0) void cache.resetQueries({ queryKey: query.queryKey });
  };
  const active = useRowKeys(
    rows.length,
    "batch",
    (row) => rows[row]?.id,
    (row) => void navigate({ to: "/batches/$id", params: { id: rows[row]!.id } }),
  );
  useShortcuts([
    { keys: "x", label: "Select the batch", run: () => toggle(active, false) },
    { keys: "X", label: "Select the batches up to this one", run: () => toggle(active, true) },
    { keys: "Escape", label: "Drop the selection", run: () => select(NO_SELECTION) },
    { keys: "u", label: "Take in new batches", run: takeIn },
    { keys: "v", label: "Order and columns", run: () => setViewing(true) },
  ]);

  if (data === undefined)
    return error === null ? <Loading lines={10} label="Loading batches" /> : <Fault error={error} retry={() => void refetch()} />;
  const onEnd = (): void => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  };
  const chosen = columnText === undefined ? null : columnsOf(columnText);
  const table = (
    <BatchTable
      rows={rows}
      total={found.isExact ? found.total : null}
      chosen={chosen}
      columns={chosen ?? USUAL_COLUMNS}
      active={active}
      selection={selection}
      onToggle={toggle}
      onToggleLoaded={() =>
        select(
          withSelected(
            selection,
            rows.map(({ id }) => id),
            !rows.every(({ id }) => isSelected(selection, id)),
          ),
        )
      }
      onEnd={onEnd}
    />
  );
  return (
    <div className="flex flex-col gap-3">
      <div className="flex min-h-9 flex-wrap items-center gap-x-3 gap-y-2 text-sm text-soft">
        <span className="figure">
          {matches(found)} {found.total === 1 && found.isExact ? "batch" : "batches"}
          {sort === "created" && order === "desc" ? "" : `, by ${SORTS[sort].label.toLowerCase()}, ${SORTS[sort][order]}`}
        </span>
        {news.count === 0 ? null : (
          <button type="button" className="button rounded-full! border-accent text-accent" onClick={takeIn}>
            <Icon name="up" /> {news.isCertain ? "" : "up to "}
            {count(news.count)} new
          </button>
        )}
        <BulkBar filter={filter} found={found} rows={rows} selection={selection} onSelect={select} />
        <span className="ml-auto flex gap-2">
          <ExportPicker filter={filter} found={found} rows={rows} selection={selection} sorting={sorting} />
          <button type="button" className="button" onClick={() => setViewing(true)}>
            <Icon name="sliders" /> View
          </button>
        </span>
      </div>
      {rows.length > 0 ? (
        chosen === null ? (
          <div className="@container">{table}</div>
        ) : (
          <Wide sideways label="Batches with the chosen columns">
            {table}
          </Wide>
        )
      ) : isLooking ? (
        <Loading lines={10} label="Looking through older batches" />
      ) : Object.keys(filter).length === 0 ? (
        <None />
      ) : (
        <NoMatch />
      )}
      {error === null ? null : <Fault error={error} retry={() => void refetch()} />}
      {viewing ? <ViewDialog onClose={() => setViewing(false)} /> : null}
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
