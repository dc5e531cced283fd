import { useMemo, useState, type ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { fullTime, shortTime } from "../../figures/time.ts";
import { useColumns } from "../../parts/columns.ts";
import { CopyButton } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";
import { BodyInSight, useRowsInSight } from "../../parts/rows-in-sight.tsx";
import { Status } from "../../parts/status.tsx";
import { useActiveRow } from "../../shell/row-keys.ts";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { preference } from "../../theme/preference.ts";
import { changesInBrief } from "./changes.ts";
import { Difference } from "./difference.tsx";
import { OUTCOME_LOOK } from "./look.ts";
import type { AuditEntry } from "./queries.ts";

type Row = { kind: "entry" | "detail"; entry: AuditEntry };

const HEIGHT = { comfortable: 52, compact: 42 } as const;
const DETAIL_HEIGHT = 160;
const NEAR_THE_END = 10;

/** A real table of which only the rows in sight are drawn; an entry opens in place. */
export function EntryTable({ entries, onEnd }: { entries: readonly AuditEntry[]; onEnd: () => void }): ReactElement {
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const columns = useColumns([2, 3, 4, 5]);
  const [nth, step] = useActiveRow(entries.length, (n) => entries[n] && String(entries[n].seq));
  const rows = useMemo(
    () =>
      entries.flatMap((entry): Row[] => [{ kind: "entry", entry }, ...(open.has(entry.seq) ? [{ kind: "detail" as const, entry }] : [])]),
    [entries, open],
  );
  const height = HEIGHT[preference.get().density];
  const sight = useRowsInSight({
    count: rows.length,
    heightOf: (i) => (rows[i]?.kind === "detail" ? DETAIL_HEIGHT : height),
    keyOf: (i) => `${rows[i]?.kind} ${rows[i]?.entry.seq}`,
    nearEnd: NEAR_THE_END,
    onEnd,
  });
  const toggle = (seq: number): void => {
    const next = new Set(open);
    if (!next.delete(seq)) next.add(seq);
    setOpen(next);
  };
  const activeSeq = entries[nth]?.seq;
  const placeOf = (seq: number | undefined): number => rows.findIndex(({ kind, entry }) => kind === "entry" && entry.seq === seq);
  const active = activeSeq === undefined ? -1 : placeOf(activeSeq);
  const move = (by: 1 | -1): void => sight.scrollTo(Math.max(0, placeOf(entries[step(by)]?.seq)));
  useShortcuts([
    { keys: "j", label: "Next entry", run: () => move(1) },
    { keys: "k", label: "Previous entry", run: () => move(-1) },
    { keys: "o", label: "Open or close the entry", run: () => activeSeq !== undefined && toggle(activeSeq) },
  ]);
  return (
    <table aria-label="Audit log" className="table table-fixed">
      <thead>
        <tr>
          <th scope="col" className="hidden w-36 sm:table-cell">
            When
          </th>
          <th scope="col" className="hidden w-48 md:table-cell">
            Who
          </th>
          <th scope="col" className="lg:w-96">
            What
          </th>
          <th scope="col" className="hidden lg:table-cell">
            Change
          </th>
          <th scope="col" className="w-24 sm:w-32">
            Outcome
          </th>
        </tr>
      </thead>
      <BodyInSight rows={sight}>
        {(index) => {
          const row = rows[index];
          if (row === undefined) return null;
          const { entry } = row;
          return row.kind === "detail" ? (
            <tr key={`detail ${entry.seq}`} data-index={index} ref={sight.measure}>
              <td colSpan={columns} className="pb-5!">
                <Detail entry={entry} />
              </td>
            </tr>
          ) : (
            <tr
              key={entry.seq}
              data-index={index}
              ref={sight.measure}
              style={{ height }}
              className={index === active ? "outline-2 -outline-offset-2 outline-accent" : ""}
            >
              <td className="figure hidden whitespace-nowrap text-soft sm:table-cell" title={fullTime(entry.at)}>
                {shortTime(entry.at)}
              </td>
              <td className="hidden min-w-0 md:table-cell">
                <span className="block truncate">{entry.actor}</span>
                <span className="block truncate text-xs text-soft">{entry.address}</span>
              </td>
              <td className="min-w-0">
                <button
                  type="button"
                  aria-expanded={open.has(entry.seq)}
                  className="inline-flex max-w-full min-w-0 items-center gap-1.5 align-middle font-medium hover:text-accent"
                  onClick={() => toggle(entry.seq)}
                >
                  <Icon name={open.has(entry.seq) ? "open" : "right"} className="text-soft" />
                  <span className="truncate">{entry.action}</span>
                </button>
                <span className="block truncate pl-5 font-mono text-xs text-soft">{entry.target}</span>
                <span className="block truncate pl-5 text-xs text-soft md:hidden">
                  {entry.actor}, {shortTime(entry.at)}
                </span>
              </td>
              <td className="hidden min-w-0 truncate text-soft lg:table-cell">{changesInBrief(entry.before, entry.after)}</td>
              <td>
                <Status look={OUTCOME_LOOK[entry.outcome]} />
              </td>
            </tr>
          );
        }}
      </BodyInSight>
    </table>
  );
}

function Detail({ entry }: { entry: AuditEntry }): ReactElement {
  const { seq, at, actor, credential, address, target, hash } = entry;
  const batch = /^batch_\w+$/.test(target) ? target : null;
  return (
    <div className="flex flex-col gap-3 pl-5">
      <p className="flex flex-wrap items-center gap-x-5 gap-y-1 text-sm text-soft">
        <span>{fullTime(at)}</span>
        <span>
          {actor}
          {credential === null ? "" : `, credential ${credential}`}
          {address === null ? "" : `, from ${address}`}
        </span>
        {batch === null ? null : (
          <Link to="/batches/$id" params={{ id: batch }} className="link">
            Open the batch
          </Link>
        )}
        <Link to="/audit" search={{ actor }} className="link">
          All by {actor}
        </Link>
        <Link to="/audit" search={{ target }} className="link">
          All on this
        </Link>
      </p>
      <Difference before={entry.before} after={entry.after} />
      <p className="flex min-w-0 items-center gap-2 text-xs text-soft">
        <span className="truncate font-mono">
          {seq}:{hash}
        </span>
        <CopyButton text={`${seq}:${hash}`} what="hash of the entry" />
      </p>
    </div>
  );
}
