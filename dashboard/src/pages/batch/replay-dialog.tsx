import { useState, type ReactElement } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { Batch, ReplayRequest } from "batchyard/client";
import { client } from "../../data/client.ts";
import { bytes, count, plural } from "../../figures/number.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Loading, messageOf } from "../../parts/notice.tsx";
import { toast } from "../../parts/toast.ts";
import { retriable } from "../../parts/batch-state.ts";
import { PayloadEdits, type Edit } from "./payload-edits.tsx";

type Choice = "all" | "failed" | "some";

/** A new batch of the same items: which of them, with which payloads, and what it would come to before it is made. */
export function ReplayDialog({ batch, onClose }: { batch: Batch; onClose: () => void }): ReactElement {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const without = retriable(batch);
  const [choice, choose] = useState<Choice>(without > 0 ? "failed" : "all");
  const [keys, setKeys] = useState<readonly string[]>([]);
  const [edits, setEdits] = useState<readonly Edit[]>([]);
  const [busy, setBusy] = useState(false);
  const request: ReplayRequest = {
    items: choice === "some" ? [...keys] : choice,
    ...(edits.length === 0 ? {} : { edits: Object.fromEntries(edits.map(({ key, text }) => [key, text])) }),
  };
  const asked = choice !== "some" || keys.length > 0;
  const {
    data: dry,
    error,
    isPlaceholderData: isOld,
  } = useQuery({
    queryKey: ["replay", batch.id, request],
    queryFn: () => client.replayDryRun(batch.id, request),
    enabled: asked,
    retry: false,
    gcTime: 0,
    // What is below the pointer stays there while it is counted anew: leaving a field to press a button counts.
    placeholderData: (before) => before,
  });

  async function create(): Promise<void> {
    setBusy(true);
    try {
      const made = await client.replay(batch.id, request);
      await cache.invalidateQueries({ queryKey: ["replays", batch.id] });
      toast(`Replays ${plural(made.total_items, "item")}`);
      onClose();
      await navigate({ to: "/batches/$id", params: { id: made.id } });
    } catch (cause) {
      toast(messageOf(cause), "bad");
      setBusy(false);
    }
  }
  return (
    <Dialog
      title="Replay the batch"
      wide
      onClose={onClose}
      footer={
        <button type="button" className="button button-main" disabled={!asked || error !== null || busy} onClick={() => void create()}>
          Create the batch
        </button>
      }
    >
      <div className="flex flex-col gap-5">
        <p className="text-soft">
          A new batch gets the same items, byte for byte, with the same operation and options. This batch stays as it is.
        </p>
        <fieldset className="flex flex-col gap-2">
          <legend className="mb-2 text-sm font-medium">Items</legend>
          <Radio label={`All ${count(batch.total_items)}`} checked={choice === "all"} onChoose={() => choose("all")} />
          {without === 0 ? null : (
            <Radio label={`The ${count(without)} without a success`} checked={choice === "failed"} onChoose={() => choose("failed")} />
          )}
          <Radio label="Some, by key" checked={choice === "some"} onChoose={() => choose("some")} />
          {choice === "some" ? (
            <textarea
              aria-label="Keys of items, one a line"
              placeholder="One key a line"
              rows={4}
              className="field font-mono"
              onBlur={({ target }) => setKeys([...new Set(target.value.split("\n").map((key) => key.trim()))].filter((key) => key !== ""))}
            />
          ) : null}
        </fieldset>
        <PayloadEdits batchId={batch.id} edits={edits} onChange={setEdits} />
        <div role="status" aria-label="What it would become" className="border-t border-line pt-4 text-sm">
          {!asked ? (
            <p className="text-soft">Name the items to replay.</p>
          ) : error !== null ? (
            <p className="border-l-2 border-bad pl-3">{messageOf(error)}</p>
          ) : dry === undefined ? (
            <Loading label="Counting" />
          ) : (
            <>
              <p className={isOld ? "text-soft" : ""}>
                Creates a batch with {plural(dry.items, "item")} in {plural(dry.chunks, "chunk")}, {bytes(dry.bytes)} of payload.
              </p>
              {dry.warnings.map((warning) => (
                <p key={warning} className="mt-1 text-soft">
                  {warning}
                </p>
              ))}
            </>
          )}
        </div>
      </div>
    </Dialog>
  );
}

function Radio({ label, checked, onChoose }: { label: string; checked: boolean; onChoose: () => void }): ReactElement {
  return (
    <label className="flex items-center gap-2 text-sm">
      <input type="radio" name="replay" checked={checked} onChange={onChoose} /> {label}
    </label>
  );
}
