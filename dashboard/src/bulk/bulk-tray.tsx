import { useEffect, useState, useSyncExternalStore, type ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { sessionQuery, useMay } from "../data/session.ts";
import { count, plural } from "../figures/number.ts";
import { Icon } from "../parts/icon.tsx";
import { messageOf } from "../parts/notice.tsx";
import { toast } from "../parts/toast.ts";
import { bulkName, bulkQuery, bulkRuns, type BulkJob, runningQuery, stopBulk } from "./bulk-act.ts";

/** Acts on many batches, at the foot of every page until they are put away: those that run when it is opened, and those it began. */
export function BulkTray(): ReactElement | null {
  const ids = useSyncExternalStore(bulkRuns.subscribe, bulkRuns.get);
  const { data: running } = useQuery({ ...runningQuery, enabled: useMay("operator") });
  useEffect(() => {
    for (const { id } of running ?? []) bulkRuns.show(id);
  }, [running]);
  if (ids.length === 0) return null;
  return (
    <section
      aria-label="Acts on many batches"
      className="fixed right-4 bottom-4 left-4 z-20 flex flex-col gap-2 md:right-auto md:left-[14.5rem] md:w-96"
    >
      {ids.map((id) => (
        <Run key={id} id={id} />
      ))}
    </section>
  );
}

function Run({ id }: { id: string }): ReactElement | null {
  const { data: job } = useQuery(bulkQuery(id));
  const { data: session } = useQuery(sessionQuery);
  const isOther = job !== undefined && session !== undefined && job.by !== session.actor;
  const waits = useSecondsTo(job?.status === "running" ? Date.parse(job.startsAt) : 0);
  if (job === undefined) return null;
  const dealt = job.done + job.failed + job.skipped;
  const stop = (): void => void stopBulk(id).catch((error: unknown) => toast(messageOf(error), "bad"));
  return (
    <div className="panel flex flex-col gap-2 px-4 py-3 text-sm" style={{ boxShadow: "var(--shadow)" }}>
      <div className="flex items-center justify-between gap-3">
        <span className="font-medium">
          {bulkName(job)}: {plural(job.total, "batch", "batches")}
          {isOther ? <span className="block font-normal text-soft">by {job.by}</span> : null}
        </span>
        {job.status !== "running" ? (
          <button type="button" className="button button-quiet button-icon" aria-label="Put away" onClick={() => bulkRuns.putAway(id)}>
            <Icon name="cross" />
          </button>
        ) : (
          <button type="button" className="button" onClick={stop}>
            {dealt === 0 && waits > 0 ? "Undo" : "Stop"}
          </button>
        )}
      </div>
      {job.status === "running" && (dealt > 0 || waits === 0) ? (
        <progress className="bar" aria-label={bulkName(job)} max={Math.max(1, job.total)} value={dealt} />
      ) : null}
      <p role="status" className="figure text-soft">
        {said(job, dealt, waits)}
      </p>
      {job.error === null ? null : <p className="break-words text-bad">{job.error}</p>}
    </div>
  );
}

function said(job: BulkJob, dealt: number, waits: number): string {
  const parts = [
    `${count(job.done)} done`,
    ...(job.skipped > 0 ? [`${count(job.skipped)} left out`] : []),
    ...(job.failed > 0 ? [`${count(job.failed)} failed`] : []),
  ];
  if (job.status === "cancelled")
    return dealt === 0 ? "Undone: nothing was changed." : `Stopped; what is done stays done: ${parts.join(", ")}.`;
  if (job.status === "completed") return `Finished: ${parts.join(", ")}.`;
  // Rounded to five seconds: a status that changes each second would be read out each second.
  return dealt === 0 && waits > 0
    ? `Starts in ${Math.ceil(waits / 5) * 5} s.`
    : `${count(dealt)} of ${count(job.total)}: ${parts.join(", ")}.`;
}

/** Whole seconds until a time, 0 when it is over. */
function useSecondsTo(at: number): number {
  const [now, set] = useState(Date.now);
  const left = Math.max(0, Math.ceil((at - now) / 1000));
  useEffect(() => {
    if (left === 0) return;
    const timer = setInterval(() => set(Date.now()), 500);
    return () => clearInterval(timer);
  }, [left === 0, at]);
  return left;
}
