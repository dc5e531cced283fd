import { useState, type ReactElement } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Batch, Priority } from "batchyard/client";
import { client } from "../../data/client.ts";
import { useMay } from "../../data/session.ts";
import { plural } from "../../figures/number.ts";
import { copyText } from "../../parts/copy.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { messageOf } from "../../parts/notice.tsx";
import { toast } from "../../parts/toast.ts";
import { useShortcuts } from "../../shell/shortcuts.ts";
import { curlOf } from "./curl.ts";
import { FinishDialog } from "./finish-dialog.tsx";
import { ReplayDialog } from "./replay-dialog.tsx";
import { ShareDialog } from "./share.tsx";
import { isOpen, retriable } from "../../parts/batch-state.ts";

const PRIORITIES: readonly Priority[] = ["critical", "high", "normal", "low"];

/** What its state lets be done to it. */
export function BatchActions({ batch }: { batch: Batch }): ReactElement {
  const cache = useQueryClient();
  const [cancelling, setCancelling] = useState(false);
  const [finishing, setFinishing] = useState(false);
  const [sharing, setSharing] = useState(false);
  const [replaying, setReplaying] = useState(false);
  const mayAct = useMay("operator");
  const again = mayAct ? retriable(batch) : 0;
  const canChange = mayAct && isOpen(batch);

  async function act(done: string, run: () => Promise<Batch>): Promise<void> {
    try {
      cache.setQueryData(["batch", batch.id], await run());
      toast(done);
    } catch (error) {
      toast(messageOf(error), "bad");
    }
    await cache.invalidateQueries({ queryKey: ["batch", batch.id] });
  }
  const retry = (): void => void act(`${plural(again, "item runs", "items run")} again`, () => client.retry(batch.id));
  const pause = (): void =>
    void (batch.status === "paused" ? act("Resumed", () => client.resume(batch.id)) : act("Paused", () => client.pause(batch.id)));
  useShortcuts([
    ...(again > 0 ? [{ keys: "r", label: "Retry failed items", run: retry }] : []),
    ...(canChange ? [{ keys: "p", label: "Pause or resume the batch", run: pause }] : []),
    { keys: "c", label: "Copy the batch as curl", run: () => void copyText(curlOf(batch, window.location.origin), "curl command") },
  ]);
  return (
    <>
      {again > 0 ? (
        <button type="button" className="button button-main" onClick={retry}>
          <Icon name="retry" /> Retry {plural(again, "item")}
        </button>
      ) : null}
      {canChange ? (
        <>
          <button type="button" className="button" onClick={pause}>
            {batch.status === "paused" ? "Resume" : "Pause"}
          </button>
          <select
            aria-label="Priority"
            className="button"
            value={batch.priority}
            onChange={(event) => {
              const priority = event.target.value as Priority;
              void act(`Priority ${priority}`, () => client.setPriority(batch.id, priority));
            }}
          >
            {PRIORITIES.map((priority) => (
              <option key={priority}>{priority}</option>
            ))}
          </select>
          <button type="button" className="button" onClick={() => setFinishing(true)}>
            Close now
          </button>
          <button type="button" className="button button-danger" onClick={() => setCancelling(true)}>
            Cancel
          </button>
        </>
      ) : null}
      {mayAct && batch.total_items > 0 ? (
        <button type="button" className="button" onClick={() => setReplaying(true)}>
          Replay
        </button>
      ) : null}
      <Link
        to="/batches/compare"
        search={batch.replay_of === null ? { a: batch.id } : { a: batch.replay_of, b: batch.id }}
        className="button"
      >
        Compare
      </Link>
      <button type="button" className="button" onClick={() => void copyText(curlOf(batch, window.location.origin), "curl command")}>
        <Icon name="copy" /> curl
      </button>
      {batch.processed_items > 0 ? <Export id={batch.id} /> : null}
      {mayAct ? (
        <button type="button" className="button" onClick={() => setSharing(true)}>
          Share
        </button>
      ) : null}
      {replaying ? <ReplayDialog batch={batch} onClose={() => setReplaying(false)} /> : null}
      {sharing ? <ShareDialog id={batch.id} onClose={() => setSharing(false)} /> : null}
      {finishing ? (
        <FinishDialog
          batch={batch}
          onClose={() => setFinishing(false)}
          onFinish={(reason) => {
            setFinishing(false);
            void act("Closed", () => client.finish(batch.id, reason));
          }}
        />
      ) : null}
      {cancelling ? (
        <Dialog
          title="Cancel the batch?"
          onClose={() => setCancelling(false)}
          footer={
            <>
              <button type="button" className="button" onClick={() => setCancelling(false)}>
                Let it run
              </button>
              <button
                type="button"
                className="button button-danger"
                onClick={() => {
                  setCancelling(false);
                  void act("Cancelled", () => client.cancel(batch.id));
                }}
              >
                Cancel the batch
              </button>
            </>
          }
        >
          <p>
            {plural(batch.total_items - batch.processed_items, "item")} will not be run. What has ended is kept, and the rest can be retried
            later.
          </p>
        </Dialog>
      ) : null}
    </>
  );
}

function Export({ id }: { id: string }): ReactElement {
  return (
    <span role="group" aria-label="Export the results" className="inline-flex">
      {(["csv", "xlsx", "jsonl"] as const).map((format, i) => (
        <a
          key={format}
          className={`button ${i === 0 ? "rounded-r-none!" : i === 1 ? "-ml-px rounded-none!" : "-ml-px rounded-l-none!"}`}
          href={`/api/batch/${encodeURIComponent(id)}/export?format=${format}`}
          download
        >
          {i === 0 ? <Icon name="download" /> : null}
          {format.toUpperCase()}
        </a>
      ))}
    </span>
  );
}
