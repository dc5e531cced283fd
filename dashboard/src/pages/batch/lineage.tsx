import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Batch } from "batchyard/client";
import { replaysQuery } from "../../data/queries.ts";
import { count } from "../../figures/number.ts";

/** Which batch it replays, and which replay it; nothing when neither is so. */
export function Lineage({ batch }: { batch: Batch }): ReactElement | null {
  const { data: replays } = useQuery(replaysQuery(batch.id));
  const of = batch.replay_of;
  if (of === null && (replays === undefined || replays.total === 0)) return null;
  return (
    <p className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm text-soft">
      {of === null ? null : (
        <span>
          Replays{" "}
          <Link to="/batches/$id" params={{ id: of }} className="link font-mono">
            {of}
          </Link>
          <Link to="/batches/compare" search={{ a: of, b: batch.id }} className="link ml-2">
            Compare with the original
          </Link>
        </span>
      )}
      {replays === undefined || replays.total === 0 ? null : (
        <span>
          Replayed as{" "}
          {replays.batches.map(({ id }) => (
            <Link key={id} to="/batches/$id" params={{ id }} className="link mr-2 font-mono">
              {id}
            </Link>
          ))}
          {replays.total > replays.batches.length ? (
            <Link to="/batches" search={{ q: `replay:${batch.id}` }} className="link">
              all {count(replays.total)}
            </Link>
          ) : null}
        </span>
      )}
    </p>
  );
}
