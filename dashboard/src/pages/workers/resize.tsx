import { useId, useState, type ReactElement } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { Dialog } from "../../parts/dialog.tsx";
import { Fault } from "../../parts/notice.tsx";
import { toast } from "../../parts/toast.ts";
import { resize, type Worker } from "./queries.ts";

const MOST_SLOTS = 256;

/** How many chunks this server runs at once. */
export function Resize({ worker }: { worker: Worker }): ReactElement {
  const cache = useQueryClient();
  const form = useId();
  const [asking, ask] = useState(false);
  const [slots, setSlots] = useState(worker.slots ?? 0);
  const [error, setError] = useState<unknown>(null);
  async function act(): Promise<void> {
    try {
      const after = await resize(worker.id, slots);
      ask(false);
      toast(`This server runs ${after.slots} chunks at once`);
    } catch (failure) {
      setError(failure);
    }
    await Promise.all([["workers"], ["overview"]].map((queryKey) => cache.invalidateQueries({ queryKey })));
  }
  return (
    <>
      <button
        type="button"
        className="button button-quiet"
        aria-label={`Resize ${worker.id}`}
        onClick={() => {
          setSlots(worker.slots ?? 0);
          setError(null);
          ask(true);
        }}
      >
        Resize
      </button>
      {asking ? (
        <Dialog
          title="How many chunks at once?"
          onClose={() => ask(false)}
          footer={
            <>
              <button type="button" className="button" onClick={() => ask(false)}>
                Leave it
              </button>
              <button type="submit" form={form} className="button button-main">
                Resize
              </button>
            </>
          }
        >
          <form
            id={form}
            className="flex flex-col gap-3"
            onSubmit={(event) => {
              event.preventDefault();
              void act();
            }}
          >
            <label className="flex flex-col gap-1 text-sm font-medium">
              Slots
              <input
                type="number"
                min={0}
                max={MOST_SLOTS}
                required
                className="field w-28! font-normal"
                value={slots}
                onChange={(event) => setSlots(Math.max(0, Math.trunc(event.target.valueAsNumber || 0)))}
              />
            </label>
            <p className="max-w-prose text-sm text-soft">
              At once, and until the next start; then it is <code>BATCHYARD_WORKERS</code> again. With fewer, what runs ends as usual. 0 =
              it runs nothing.
            </p>
            {error === null ? null : <Fault error={error} />}
          </form>
        </Dialog>
      ) : null}
    </>
  );
}
