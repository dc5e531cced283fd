import type { ReactElement } from "react";
import { Link, useNavigate } from "@tanstack/react-router";
import { shortTime, zoneName } from "../../figures/time.ts";
import { Icon } from "../../parts/icon.tsx";
import type { History } from "./queries.ts";
import { RANGES, without, type HistorySearch } from "./search.ts";

const NAMES = { "1h": "1 hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days" } as const;

/** Which time is shown, and whether the time before stands beside it. `shown`: the stretch the answers are of. */
export function RangeBar({
  search,
  shown,
}: {
  search: HistorySearch;
  shown: Pick<History["current"], "from" | "to"> | undefined;
}): ReactElement {
  const navigate = useNavigate();
  const range = search.from === undefined ? (search.range ?? "24h") : null;
  const to = (change: HistorySearch): void => void navigate({ to: "/history", search: change, resetScroll: false });
  const span = shown === undefined ? null : { from: Date.parse(shown.from), to: Date.parse(shown.to) };

  /** The stretch around the middle of this one, `times` as long, moved by a share of itself; back to "now" when it would reach beyond. */
  const moved = (times: number, by: number): void => {
    if (span === null) return;
    const length = (span.to - span.from) * times;
    const middle = (span.from + span.to) / 2 + (span.to - span.from) * by;
    const end = Math.min(middle + length / 2, Date.now());
    to(withSpan(search, { from: end - length, to: end }));
  };
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2 text-sm">
      <nav aria-label="Range" className="flex gap-1">
        {RANGES.map((each) => (
          <Link
            key={each}
            to="/history"
            search={{ ...withoutSpan(search), range: each }}
            resetScroll={false}
            aria-current={each === range}
            className={`rounded-sm px-2 py-1 whitespace-nowrap ${each === range ? "bg-wash font-medium text-ink" : "text-soft hover:text-ink"}`}
          >
            {NAMES[each]}
          </Link>
        ))}
      </nav>
      <span role="group" aria-label="Move the time" className="flex">
        <button
          type="button"
          className="button button-quiet button-icon"
          aria-label="Earlier"
          title="Earlier"
          onClick={() => moved(1, -0.5)}
        >
          <Icon name="right" className="rotate-180" />
        </button>
        <button
          type="button"
          className="button button-quiet button-icon"
          aria-label="Later"
          title="Later"
          disabled={range !== null}
          onClick={() => moved(1, 0.5)}
        >
          <Icon name="right" />
        </button>
        <button type="button" className="button button-quiet" title="Half of the time, around its middle" onClick={() => moved(0.5, 0)}>
          Closer
        </button>
        <button type="button" className="button button-quiet" title="Twice the time, around its middle" onClick={() => moved(2, 0)}>
          Wider
        </button>
      </span>
      {span === null ? null : (
        <span className="figure text-soft">
          {shortTime(span.from)} to {range === null ? shortTime(span.to) : "now"} ({zoneName()})
        </span>
      )}
      <label className="inline-flex items-center gap-2 md:ml-auto">
        <input
          type="checkbox"
          checked={search.compare === "yes"}
          onChange={({ target }) => {
            const rest = without(search, "compare");
            to(target.checked ? { ...rest, compare: "yes" } : rest);
          }}
        />
        Compare with {range === null ? "the time before" : `the ${NAMES[range]} before`}
      </label>
    </div>
  );
}

function withoutSpan(search: HistorySearch): HistorySearch {
  return without(search, "from", "to", "range");
}

const SHORTEST_MS = 5 * 60_000;
const LONGEST_MS = 366 * 86_400_000;

/** The same view of another stretch of time, Unix milliseconds: at least five minutes, at most a year. */
export function withSpan(search: HistorySearch, span: { from: number; to: number }): HistorySearch {
  const length = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, span.to - span.from));
  const middle = (span.from + span.to) / 2;
  const iso = (ms: number): string => new Date(Math.round(ms / 1000) * 1000).toISOString();
  return { ...withoutSpan(search), from: iso(middle - length / 2), to: iso(middle + length / 2) };
}
