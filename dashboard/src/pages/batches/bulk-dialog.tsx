import { useEffect, useRef, useState, type ReactElement } from "react";
import { useQueryClient } from "@tanstack/react-query";
import type { Batch, BatchFilter } from "batchyard/client";
import { client } from "../../data/client.ts";
import { count, plural } from "../../figures/number.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Fault, Loading } from "../../parts/notice.tsx";
import { toast } from "../../parts/toast.ts";
import { ACT_NAMES, applies, type BulkAct, type BulkProgress, matching, runBulk } from "./bulk.ts";
import type { Selection } from "./selection.ts";

interface BulkDialogProps {
  act: BulkAct;
  filter: BatchFilter;
  selection: Selection;
  rows: readonly Batch[];
  /** `finished`: it was done, to its end or until it was stopped. */
  onClose: (finished: boolean) => void;
}

/** First how many it would be done to, then the doing with its progress; can be stopped between two batches. */
export function BulkDialog({ act, filter, selection, rows, onClose }: BulkDialogProps): ReactElement {
  const cache = useQueryClient();
  const [found, setFound] = useState<Batch[] | null>(null);
  const [progress, setProgress] = useState<BulkProgress | null>(null);
  const [error, setError] = useState<unknown>(null);
  const stop = useRef(new AbortController());
  useEffect(() => {
    const looking = new AbortController();
    const load = selection.all
      ? matching(client, filter, selection.ids, looking.signal)
      : Promise.resolve(rows.filter((batch) => selection.ids.has(batch.id)));
    load.then((batches) => looking.signal.aborted || setFound(batches)).catch(setError);
    return () => looking.abort();
    // What is selected when the dialog opens is what it is about.
  }, []);
  const meant = found?.filter((batch) => applies(act, batch)) ?? [];
  const name = act.kind === "priority" ? `Set priority ${act.priority}` : ACT_NAMES[act.kind];

  async function run(): Promise<void> {
    setProgress({ done: 0, refused: 0, total: meant.length });
    try {
      const result = await runBulk(
        client,
        act,
        meant.map((batch) => batch.id),
        setProgress,
        stop.current.signal,
      );
      toast(`${name}: ${plural(result.done, "batch", "batches")}${result.refused > 0 ? `, ${count(result.refused)} refused` : ""}`);
      await cache.invalidateQueries({ queryKey: ["batches"] });
      onClose(true);
    } catch (failure) {
      setError(failure);
    }
  }

  const running = progress !== null && error === null;
  return (
    <Dialog
      title={name}
      onClose={() => {
        stop.current.abort();
        onClose(progress !== null);
      }}
      footer={
        running ? (
          <button type="button" className="button" onClick={() => stop.current.abort()}>
            Stop
          </button>
        ) : (
          <>
            <button type="button" className="button" onClick={() => onClose(false)}>
              Keep as they are
            </button>
            <button
              type="button"
              className={`button ${act.kind === "cancel" ? "button-danger" : "button-main"}`}
              disabled={meant.length === 0}
              onClick={() => void run()}
            >
              {name}: {plural(meant.length, "batch", "batches")}
            </button>
          </>
        )
      }
    >
      {error !== null ? (
        <Fault error={error} />
      ) : found === null ? (
        <Loading label="Counting" />
      ) : progress !== null ? (
        <div className="flex flex-col gap-2">
          <progress className="bar" aria-label={name} max={progress.total} value={progress.done + progress.refused} />
          <p className="figure text-sm text-soft">
            {count(progress.done + progress.refused)} of {count(progress.total)}
          </p>
        </div>
      ) : (
        <p>
          {meant.length === 0
            ? "The state of none of the selected batches allows it."
            : `It is done to ${plural(meant.length, "batch", "batches")}.`}
          {found.length > meant.length && meant.length > 0
            ? ` ${plural(found.length - meant.length, "selected batch is", "selected batches are")} left out: their state does not allow it.`
            : ""}
        </p>
      )}
    </Dialog>
  );
}
