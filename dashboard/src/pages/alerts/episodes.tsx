import type { ReactElement } from "react";
import { fullTime } from "../../figures/time.ts";
import { plural } from "../../figures/number.ts";
import { TONE_FILL, type Tone } from "../../parts/states.ts";

export interface Episode {
  /** What it is about, as its line is called. */
  line: string;
  openedAt: string;
  /** Null = still open. */
  resolvedAt: string | null;
  tone: Tone;
}

// Shorter ones are drawn this wide, or they could not be seen.
const NARROWEST_PERCENT = 0.4;
const LINES = 12;

/** When what fired, a line each, the liveliest first; the same stands in a table beside it. */
export function Episodes({ episodes, from, to }: { episodes: readonly Episode[]; from: number; to: number }): ReactElement {
  const lines = [...Map.groupBy(episodes, ({ line }) => line)].sort(([, a], [, b]) => b.length - a.length);
  const place = (at: number): number => Math.max(0, Math.min(100, (100 * (at - from)) / (to - from)));
  return (
    <div className="flex flex-col gap-1.5">
      {lines.slice(0, LINES).map(([line, own]) => (
        <div
          key={line}
          className="grid grid-cols-[minmax(0,2fr)_minmax(0,3fr)] items-center gap-3 xl:grid-cols-[minmax(0,1fr)_minmax(0,3fr)]"
        >
          <span className="truncate text-sm" title={line}>
            {line}
          </span>
          <span
            role="img"
            aria-label={`${line}: opened ${plural(own.length, "time")} between ${fullTime(from)} and ${fullTime(to)}`}
            className="relative block h-4 rounded-sm bg-wash"
          >
            {own.map((episode) => {
              const left = place(Date.parse(episode.openedAt));
              const right = place(episode.resolvedAt === null ? to : Date.parse(episode.resolvedAt));
              return (
                <span
                  key={episode.openedAt}
                  title={`${fullTime(episode.openedAt)} – ${episode.resolvedAt === null ? "open" : fullTime(episode.resolvedAt)}`}
                  className={`absolute top-0 h-full rounded-[2px] ${TONE_FILL[episode.tone]}`}
                  style={{ left: `${Math.min(left, 100 - NARROWEST_PERCENT)}%`, width: `${Math.max(NARROWEST_PERCENT, right - left)}%` }}
                />
              );
            })}
          </span>
        </div>
      ))}
      <div className="figure grid grid-cols-[minmax(0,2fr)_minmax(0,3fr)] gap-3 text-xs text-soft xl:grid-cols-[minmax(0,1fr)_minmax(0,3fr)]">
        <span>{lines.length > LINES ? `and ${lines.length - LINES} more` : ""}</span>
        <span className="flex justify-between gap-2 whitespace-nowrap">
          <time dateTime={new Date(from).toISOString()}>{shortTime(from)}</time>
          <time dateTime={new Date(to).toISOString()}>now</time>
        </span>
      </div>
    </div>
  );
}

const short = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

function shortTime(at: number): string {
  return short.format(at);
}
