import { useEffect, type ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { ClientError } from "batchyard/client";
import { batchQuery, errorsQuery } from "../../data/queries.ts";
import { count } from "../../figures/number.ts";
import { BatchProgress } from "../../parts/batch-progress.tsx";
import { isOpen } from "../../parts/batch-state.ts";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { BatchStatusMark } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { useFollowed } from "./follow.ts";

const EVERY_MS = 5_000;
// While its events come: the figures that stand in none of them.
const HEARD_EVERY_MS = 30_000;

/** One batch, read-only, for whoever has its link: without navigation, without actions, without items. */
export function SharedPage({ id }: { id: string }): ReactElement {
  const { data: known } = useQuery({ ...batchQuery(id), enabled: false });
  const heard = useFollowed(id, known !== undefined && isOpen(known));
  const {
    data: batch,
    error,
    refetch,
  } = useQuery({
    ...batchQuery(id),
    refetchInterval: ({ state }) => (state.data !== undefined && !isOpen(state.data) ? false : heard ? HEARD_EVERY_MS : EVERY_MS),
  });
  const name = batch?.name ?? id;
  useEffect(() => {
    document.title = `${name} · Batchyard`;
  }, [name]);
  const hasEnded = error instanceof ClientError && (error.status === 401 || error.status === 403 || error.status === 404);
  return (
    <main className="mx-auto flex w-full max-w-[60rem] flex-col gap-8 px-4 py-8 md:px-8">
      {hasEnded ? (
        <>
          <h1>This link shows nothing</h1>
          <Empty title="It has ended, was revoked, or is not whole">Whoever sent it can make a new one.</Empty>
        </>
      ) : batch === undefined ? (
        <>
          <h1>Batch</h1>
          {error === null ? <Loading lines={6} label="Loading the batch" /> : <Fault error={error} retry={() => void refetch()} />}
        </>
      ) : (
        <>
          <header className="flex flex-col gap-1.5">
            <h1 className="break-words">{name}</h1>
            <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-soft">
              <BatchStatusMark status={batch.status} />
              <span>{batch.operation}</span>
              <span>
                created <Time at={batch.created_at} />
              </span>
            </p>
          </header>
          <BatchProgress batch={batch} />
          {batch.error === null ? null : <p className="border-l-2 border-bad pl-3">{batch.error}</p>}
          {batch.failed_items > 0 ? <Errors id={id} failed={isOpen(batch) ? batch.failed_items : null} /> : null}
          <p className="text-sm text-soft">A read-only view of one batch, made with Batchyard.</p>
        </>
      )}
    </main>
  );
}

/** `failed`: items that failed so far, null once there can be no more; asked for again while the groups fall short of it. */
function Errors({ id, failed }: { id: string; failed: number | null }): ReactElement {
  const isShort = (groups: readonly { count: number }[] = []): boolean =>
    failed !== null && groups.reduce((sum, group) => sum + group.count, 0) < failed;
  const { data } = useQuery({ ...errorsQuery(id), refetchInterval: ({ state }) => (isShort(state.data) ? EVERY_MS : false) });
  return (
    <Section title="Errors">
      {data === undefined ? (
        <Loading label="Loading errors" />
      ) : (
        <Wide label="Errors">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Error</th>
                <th scope="col" className="number">
                  Items
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map((group) => (
                <tr key={group.fingerprint}>
                  <th scope="row" className="text-left font-normal">
                    {group.error}
                  </th>
                  <td className="number">{count(group.count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </Section>
  );
}
