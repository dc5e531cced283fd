import { useMemo, useState, type ReactElement } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { plural } from "../../figures/number.ts";
import { clockTime, dayOf } from "../../figures/time.ts";
import { Icon } from "../../parts/icon.tsx";
import { Awaited, Empty, Fault } from "../../parts/notice.tsx";
import { type Entry, grouped, Grouper, narrowed } from "./entries.ts";
import { EventTable } from "./event-table.tsx";
import { ExportButton } from "./export-button.tsx";
import { toggled } from "./live-list.tsx";
import { isTime, type LogPage, MOST_PAGES, replayQuery } from "./queries.ts";
import { type EventsSearch, severitiesFrom } from "./search.ts";

const BACK_MS = 15 * 60_000;

/** What happened from a time or a place in the log on, oldest first. */
export function ReplayList({ search, at }: { search: EventsSearch; at: string }): ReactElement {
  const { types, severity, q = "" } = search;
  const narrowing = { ...(types === undefined ? {} : { types }), ...(severity === undefined ? {} : { severity }) };
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery(replayQuery(at, narrowing));
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const entries = useMemo(() => entriesOf(data?.pages ?? []), [data]);
  const matching = useMemo(() => narrowed(entries, severitiesFrom(severity), q), [entries, severity, q]);
  const rows = useMemo(() => grouped(matching), [matching]);
  const last = data?.pages.at(-1);
  const earlier = isTime(at) ? at : (entries[0]?.at ?? null);
  const next = (): void => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  };
  return (
    <div className="flex flex-col gap-3">
      <div className="sticky top-14 z-10 flex min-h-11 flex-wrap items-center gap-x-5 gap-y-2 border-b border-line bg-paper py-1.5 text-sm text-soft">
        <span className="inline-flex items-center gap-1.5 font-medium text-warn">
          <Icon name="history" /> Replay
        </span>
        <span className="figure">
          {isTime(at) ? `from ${dayOf(at)}, ${clockTime(at)}` : "from the chosen event on"}, {plural(matching.length, "event")}, oldest
          first
        </span>
        {earlier === null ? null : (
          <Link to="/events" search={{ ...search, at: new Date(Date.parse(earlier) - BACK_MS).toISOString() }} className="link">
            15 min earlier
          </Link>
        )}
        <Link to="/events" search={withoutPlace(search)} className="button">
          Go live
        </Link>
        <ExportButton entries={matching} />
      </div>
      {data === undefined ? (
        <Awaited error={error} lines={10} label="Loading events" retry={() => void refetch()} />
      ) : (
        <>
          {matching.length === 0 && last?.end === true ? (
            <Empty title="Nothing that matches happened since">
              {last.begins === null ? "The log is empty." : `The log begins on ${dayOf(last.begins)} at ${clockTime(last.begins)}.`}
            </Empty>
          ) : (
            <EventTable label="Events of the past" rows={rows} open={open} onToggle={(id) => setOpen(toggled(open, id))} onEnd={next} />
          )}
          <p className="flex flex-wrap items-center gap-3 py-2 text-sm text-soft">
            {error !== null ? (
              <Fault error={error} retry={() => void fetchNextPage()} />
            ) : last?.end === true ? (
              "This is the newest event."
            ) : data.pages.length >= MOST_PAGES ? (
              <Link to="/events" search={{ ...search, at: last?.cursor ?? at }} className="link">
                Go on from here
              </Link>
            ) : (
              <button type="button" className="button" disabled={isFetching} onClick={next}>
                {isFetching ? "Loading …" : "Load more"}
              </button>
            )}
          </p>
        </>
      )}
    </div>
  );
}

function entriesOf(pages: readonly LogPage[]): Entry[] {
  const grouper = new Grouper();
  return pages.flatMap((page) => [
    ...(page.reset
      ? [
          grouper.line(
            "Stream reset: the log no longer has what followed this place; it begins with the next event.",
            page.begins ?? new Date().toISOString(),
          ),
        ]
      : []),
    ...page.events.map(({ type, severity, timestamp, cursor, data }) => grouper.event({ type, severity, at: timestamp, cursor, data })),
  ]);
}

function withoutPlace({ at: _, ...search }: EventsSearch): EventsSearch {
  return search;
}
