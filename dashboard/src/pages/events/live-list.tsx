import { useEffect, useMemo, useRef, useState, useSyncExternalStore, type ReactElement } from "react";
import { plural, rate } from "../../figures/number.ts";
import { live } from "../../live/live.ts";
import { Icon } from "../../parts/icon.tsx";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { Spark } from "../../parts/spark.tsx";
import { grouped, narrowed } from "./entries.ts";
import { EventTable } from "./event-table.tsx";
import { ExportButton } from "./export-button.tsx";
import { newestEvents } from "./queries.ts";
import { type EventsSearch, severitiesFrom } from "./search.ts";
import { EventTail, MOST_KEPT, type TailView } from "./tail.ts";

/** How far down the page still counts as its top. */
const TOP_PX = 80;

/** What happens, as it happens, newest first. While the reader reads on below the top, or in an opened row, new ones wait. */
export function LiveList({ search, types }: { search: EventsSearch; types: readonly string[] }): ReactElement {
  const { severity, q = "" } = search;
  const [tail] = useState(() => new EventTail(severitiesFrom(severity)));
  const error = useFollowing(tail, search, types);
  const view = useSyncExternalStore(tail.subscribe, tail.get);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const isAway = useScrolledAway();
  const held = useRef<TailView>(view);
  const holds = isAway || open.size > 0;
  if (!holds || held.current.entries.length === 0) held.current = view;
  const { entries, total } = held.current;
  const waiting = view.total - total;
  const matching = useMemo(() => narrowed(entries, severitiesFrom(severity), q), [entries, severity, q]);
  const rows = useMemo(
    () =>
      grouped(matching)
        .map((row) => ("kind" in row ? row : { ...row, entries: row.entries.toReversed() }))
        .toReversed(),
    [matching],
  );
  const [, redraw] = useState(0);
  const takeIn = (): void => {
    held.current = tail.get();
    setOpen(new Set());
    window.scrollTo({ top: 0 });
    redraw((n) => n + 1);
  };

  if (error !== null && error !== undefined && view.total === 0) return <Fault error={error.cause} retry={error.retry} />;
  return (
    <div className="flex flex-col gap-3">
      <div className="sticky top-14 z-10 flex min-h-11 flex-wrap items-center gap-x-5 gap-y-2 border-b border-line bg-paper py-1.5 text-sm text-soft">
        <Rate perSecond={view.perSecond} />
        <span className="figure" title={`The newest ${MOST_KEPT} are kept`}>
          {plural(matching.length, "event")} shown, newest first
        </span>
        {holds && waiting > 0 ? (
          <button type="button" className="button rounded-full! border-accent text-accent" onClick={takeIn}>
            <Icon name="up" /> {plural(waiting, "new event")}
          </button>
        ) : null}
        <ExportButton entries={matching} />
      </div>
      {view.total === 0 && view.entries.length === 0 && error === undefined ? (
        <Loading lines={10} label="Loading events" />
      ) : rows.length === 0 ? (
        <NothingYet search={search} />
      ) : (
        <EventTable label="Events" rows={rows} open={open} onToggle={(id) => setOpen(toggled(open, id))} />
      )}
    </div>
  );
}

interface Following {
  cause: unknown;
  retry: () => void;
}

/** Loads the newest and follows on from there; undefined until that is done, null when it went well. */
function useFollowing(tail: EventTail, { types: chosen, severity }: EventsSearch, types: readonly string[]): Following | null | undefined {
  const [state, setState] = useState<Following | null | undefined>(undefined);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const loading = new AbortController();
    let stop = (): void => undefined;
    const narrowing = { ...(chosen === undefined ? {} : { types: chosen }), ...(severity === undefined ? {} : { severity }) };
    newestEvents(narrowing, loading.signal).then(
      (page) => {
        if (loading.signal.aborted) return;
        stop = live.tail(tail.following(page, types));
        setState(null);
      },
      (cause: unknown) => {
        if (!loading.signal.aborted) setState({ cause, retry: () => setTurn((n) => n + 1) });
      },
    );
    return () => {
      loading.abort();
      stop();
    };
  }, [tail, chosen, severity, types, turn]);
  return state;
}

function useScrolledAway(): boolean {
  return useSyncExternalStore(
    (listener) => {
      window.addEventListener("scroll", listener, { passive: true });
      return () => window.removeEventListener("scroll", listener);
    },
    () => window.scrollY > TOP_PX,
  );
}

function Rate({ perSecond }: { perSecond: readonly number[] }): ReactElement {
  const lately = perSecond.slice(-10);
  const mean = lately.reduce((sum, each) => sum + each, 0) / lately.length;
  return (
    <span className="inline-flex items-center gap-2" title="Mean of the last 10 s; the line is the last minute">
      <span className="figure font-medium text-ink">{rate(mean)} events/s</span>
      <span className="w-24">
        <Spark values={perSecond} />
      </span>
    </span>
  );
}

function NothingYet({ search: { q, severity, types } }: { search: EventsSearch }): ReactElement {
  const isNarrowed = q !== undefined || severity !== undefined || types !== undefined;
  return (
    <Empty title={isNarrowed ? "Nothing that matches has happened lately" : "Nothing has happened yet"}>
      {isNarrowed
        ? "It appears here when it does. What is further back is found by jumping to a time."
        : "Create a batch, or send items to a stream: each step appears here as it happens."}
    </Empty>
  );
}

export function toggled(open: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(open);
  if (!next.delete(id)) next.add(id);
  return next;
}
