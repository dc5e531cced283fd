import { useState, type ReactElement } from "react";
import { useQueryClient } from "@tanstack/react-query";
import type { Stream } from "batchyard/client";
import { client } from "../../data/client.ts";
import { plural } from "../../figures/number.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { messageOf } from "../../parts/notice.tsx";
import { toast } from "../../parts/toast.ts";

/** Closes windows now; of one key, or all. */
export function useFlush(name: string): (key?: string) => Promise<void> {
  const cache = useQueryClient();
  return async (key) => {
    try {
      const batches = await client.streams.flush(name, key);
      toast(batches.length === 0 ? "Nothing was open" : `${plural(batches.length, "window")} closed`);
    } catch (error) {
      toast(messageOf(error), "bad");
    }
    await Promise.all(
      [["windows", name], ["stream", name], ["streams"], ["overview"], ["batches"]].map((queryKey) =>
        cache.invalidateQueries({ queryKey }),
      ),
    );
  };
}

export function Flush({ stream }: { stream: Stream }): ReactElement {
  const [asking, ask] = useState(false);
  const flush = useFlush(stream.name);
  const { open_windows: windows, open_items: items } = stream;
  return (
    <>
      <button type="button" className="button" disabled={windows === 0} onClick={() => ask(true)}>
        Close all now
      </button>
      {asking ? (
        <Dialog
          title="Close all windows now?"
          onClose={() => ask(false)}
          footer={
            <>
              <button type="button" className="button" onClick={() => ask(false)}>
                Let them fill
              </button>
              <button
                type="button"
                className="button button-main"
                onClick={() => {
                  ask(false);
                  void flush();
                }}
              >
                Close {plural(windows, "window")}
              </button>
            </>
          }
        >
          <p>
            {plural(items, "item")} in {plural(windows, "open window")} become batches at once, also where a rule would have gathered more.
          </p>
        </Dialog>
      ) : null}
    </>
  );
}
