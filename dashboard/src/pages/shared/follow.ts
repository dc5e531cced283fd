import { useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { batchChange, withChange, type Batch } from "batchyard/client";
import { batchQuery, errorsQuery } from "../../data/queries.ts";
import { client } from "../../data/client.ts";

// At most four times a second, as the other pages.
const WINDOW_MS = 250;

/** Keeps the batch in the cache as its own event stream tells it, while `open`. False while the stream is away: then it has to be asked for. */
export function useFollowed(id: string, open: boolean): boolean {
  const cache = useQueryClient();
  const [heard, setHeard] = useState(false);
  useEffect(() => {
    if (!open) return;
    const stop = new AbortController();
    const reload = (): void => {
      void cache.invalidateQueries({ queryKey: batchQuery(id).queryKey });
      void cache.invalidateQueries({ queryKey: errorsQuery(id).queryKey });
    };
    client
      .follow(
        { batch: id, types: ["batch.*"], window: WINDOW_MS },
        {
          event(event) {
            cache.setQueryData<Batch>(batchQuery(id).queryKey, (batch) => batch && withChange(batch, batchChange(event)));
            // What an event does not say of a change of state, the batch does.
            if (event.type !== "batch.progress") reload();
          },
          open() {
            setHeard(true);
            // Between the first look and the stream something may have happened.
            reload();
          },
          lost: () => setHeard(false),
          reset: reload,
        },
        stop.signal,
      )
      // Refused for good: the next question of the page says why.
      .catch(() => setHeard(false));
    return () => {
      stop.abort();
      setHeard(false);
    };
  }, [cache, id, open]);
  return heard;
}
