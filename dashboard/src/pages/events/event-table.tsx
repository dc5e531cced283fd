import { memo, useMemo, type ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { clockTime, dayOf, fullTime } from "../../figures/time.ts";
import { useColumns } from "../../parts/columns.ts";
import { CopyButton } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";
import { BodyInSight, useRowsInSight } from "../../parts/rows-in-sight.tsx";
import { Status } from "../../parts/status.tsx";
import { useActiveRow } from "../../shell/row-keys.ts";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { preference } from "../../theme/preference.ts";
import { SEVERITY_LOOK } from "../../parts/states.ts";
import type { EventEntry, Group, LineEntry } from "./entries.ts";
import { About, summaryOf } from "./what.tsx";

type Row =
  | { kind: "line"; id: string; line: LineEntry }
  /** `depth` 1: one of an opened group. */
  | { kind: "event"; id: string; entry: EventEntry; size: number; depth: 0 | 1 }
  | { kind: "detail"; id: string; entry: EventEntry };

interface EventTableProps {
  label: string;
  rows: readonly (Group | LineEntry)[];
  open: ReadonlySet<string>;
  onToggle: (id: string) => void;
  /** The last row comes into sight. */
  onEnd?: (() => void) | undefined;
}

const HEIGHT = { comfortable: 40, compact: 30 } as const;
const DETAIL_HEIGHT = 220;
const NEAR_THE_END = 5;

/** A real table of which only the rows in sight are drawn. Groups and events open in place. */
export function EventTable({ label, rows, open, onToggle, onEnd }: EventTableProps): ReactElement {
  const columns = useColumns([3, 3, 4, 5]);
  const flat = useMemo(() => flattened(rows, open), [rows, open]);
  const events = useMemo(() => flat.flatMap((row, i) => (row.kind === "event" ? [i] : [])), [flat]);
  const [nth, step] = useActiveRow(events.length, (n) => flat[events[n] ?? -1]?.id);
  const active = events[nth] ?? -1;
  const height = HEIGHT[preference.get().density];
  const sight = useRowsInSight({
    count: flat.length,
    heightOf: (i) => (flat[i]?.kind === "detail" ? DETAIL_HEIGHT : height),
    keyOf: (i) => flat[i]?.id ?? i,
    nearEnd: NEAR_THE_END,
    onEnd,
  });
  const move = (by: 1 | -1): void => {
    const next = events[step(by)];
    if (next !== undefined) sight.scrollTo(next);
  };
  const activeRow = flat[active];
  useShortcuts([
    { keys: "j", label: "Next event", run: () => move(1) },
    { keys: "k", label: "Previous event", run: () => move(-1) },
    { keys: "o", label: "Open or close the event", run: () => activeRow?.kind === "event" && onToggle(activeRow.id) },
  ]);
  return (
    <table aria-label={label} aria-rowcount={flat.length + 1} className="table table-fixed">
      <thead>
        <tr aria-rowindex={1}>
          <th scope="col" className="w-28">
            Time
          </th>
          <th scope="col" className="w-8 sm:w-28">
            <span className="sr-only sm:not-sr-only">Severity</span>
          </th>
          <th scope="col" className="sm:w-56">
            Event
          </th>
          <th scope="col" className="hidden w-64 md:table-cell">
            About
          </th>
          <th scope="col" className="hidden lg:table-cell">
            What
          </th>
        </tr>
      </thead>
      <BodyInSight rows={sight}>
        {(index) => {
          const row = flat[index];
          if (row === undefined) return null;
          return row.kind === "line" ? (
            <tr key={row.id} data-index={index} ref={sight.measure} aria-rowindex={index + 2} style={{ height }}>
              <td className="figure text-soft" title={fullTime(row.line.at)}>
                {clockTime(row.line.at)}
              </td>
              <td colSpan={columns - 1} className="border-y! border-warn! text-warn">
                <span className="inline-flex items-center gap-1.5">
                  <Icon name="warning" /> {row.line.text}
                </span>
              </td>
            </tr>
          ) : row.kind === "detail" ? (
            <tr key={row.id} data-index={index} ref={sight.measure} aria-rowindex={index + 2}>
              <td colSpan={columns} className="pb-4!">
                <Detail entry={row.entry} />
              </td>
            </tr>
          ) : (
            <tr
              key={row.id}
              data-index={index}
              ref={sight.measure}
              aria-rowindex={index + 2}
              style={{ height }}
              className={index === active ? "outline-2 -outline-offset-2 outline-accent" : ""}
            >
              <EventCells row={row} isOpen={open.has(row.id)} onToggle={onToggle} />
            </tr>
          );
        }}
      </BodyInSight>
    </table>
  );
}

const EventCells = memo(function EventCells({
  row: { id, entry, size, depth },
  isOpen,
  onToggle,
}: {
  row: Extract<Row, { kind: "event" }>;
  isOpen: boolean;
  onToggle: (id: string) => void;
}): ReactElement {
  return (
    <>
      <td className="figure whitespace-nowrap text-soft" title={fullTime(entry.at)}>
        {clockTime(entry.at)}
      </td>
      <td>
        <span className="sm:hidden">
          <Status look={{ ...SEVERITY_LOOK[entry.severity], word: "" }} />
          <span className="sr-only">{SEVERITY_LOOK[entry.severity].word}</span>
        </span>
        <span className="hidden sm:inline">
          <Status look={SEVERITY_LOOK[entry.severity]} />
        </span>
      </td>
      <td className={`min-w-0 ${depth === 1 ? "pl-6!" : ""}`}>
        <button
          type="button"
          aria-expanded={isOpen}
          className="inline-flex max-w-full min-w-0 items-center gap-1.5 align-middle font-mono text-xs hover:text-accent"
          onClick={() => onToggle(id)}
        >
          <Icon name={isOpen ? "open" : "right"} className="text-soft" />
          <span className="truncate">{entry.type}</span>
          {size > 1 ? <span className="figure rounded-sm bg-wash px-1.5 font-sans font-medium">× {size}</span> : null}
        </button>
        <span className="block truncate text-xs text-soft lg:hidden">{summaryOf(entry)}</span>
      </td>
      <td className="hidden min-w-0 truncate md:table-cell">
        <About data={entry.data} />
      </td>
      <td className="hidden min-w-0 truncate text-soft lg:table-cell">{summaryOf(entry)}</td>
    </>
  );
});

function Detail({ entry }: { entry: EventEntry }): ReactElement {
  const json = JSON.stringify(entry.data, null, 2);
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-soft">
        <span>
          {dayOf(entry.at)}, {clockTime(entry.at)}
        </span>
        <span className="md:hidden">
          <About data={entry.data} />
        </span>
        <Link to="/events" search={{ types: entry.type }} className="link">
          Only {entry.type}
        </Link>
        <Link to="/events" search={{ at: entry.cursor ?? entry.at }} className="link">
          Replay from here
        </Link>
        <CopyButton text={json} what="event" />
      </div>
      <pre
        tabIndex={0}
        aria-label="Data of the event"
        className="max-h-80 overflow-auto rounded-md bg-wash p-3 text-xs leading-5 break-words whitespace-pre-wrap"
      >
        {json}
      </pre>
    </div>
  );
}

function flattened(rows: readonly (Group | LineEntry)[], open: ReadonlySet<string>): Row[] {
  const flat: Row[] = [];
  const single = (entry: EventEntry, depth: 0 | 1): void => {
    const id = `e${entry.serial}`;
    flat.push({ kind: "event", id, entry, size: 1, depth });
    if (open.has(id)) flat.push({ kind: "detail", id: `d${entry.serial}`, entry });
  };
  for (const row of rows) {
    if ("kind" in row) {
      flat.push({ kind: "line", id: `l${row.serial}`, line: row });
      continue;
    }
    const [first] = row.entries;
    if (first === undefined) continue;
    if (row.entries.length === 1) {
      single(first, 0);
      continue;
    }
    const id = `g${row.key}`;
    flat.push({ kind: "event", id, entry: first, size: row.entries.length, depth: 0 });
    if (open.has(id)) for (const entry of row.entries) single(entry, 1);
  }
  return flat;
}
