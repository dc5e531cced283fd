import { useState, type ReactElement } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useMay } from "../../data/session.ts";
import { count, plural } from "../../figures/number.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Empty, Fault, Loading, messageOf } from "../../parts/notice.tsx";
import { Wide } from "../../parts/section.tsx";
import { Time } from "../../parts/time.tsx";
import { toast } from "../../parts/toast.ts";
import { DeadItems } from "./dead-items.tsx";
import { acts, deadQuery, type DeadQueue } from "./queries.ts";

/** What is dead in every queue: items that found no room in a stream, items that failed for good in an operation. */
export function DeadLetters(): ReactElement {
  const { data, error, refetch } = useQuery(deadQuery);
  const { queue: shown } = useSearch({ from: "/failures" });
  const cache = useQueryClient();
  const mayRequeue = useMay("operator");
  const mayGiveUp = useMay("admin");
  const [asked, setAsked] = useState<{ queue: DeadQueue; act: "requeue" | "give up" } | null>(null);
  if (data === undefined)
    return error === null ? <Loading lines={5} label="Loading dead letters" /> : <Fault error={error} retry={() => void refetch()} />;
  if (data.queues.length === 0)
    return <Empty title="Nothing is dead">Items that fail for good and items that find no room in a stream would be kept here.</Empty>;
  async function run(): Promise<void> {
    if (asked === null) return;
    const { queue, act } = asked;
    setAsked(null);
    try {
      if (act === "give up") toast(`${plural((await acts.giveUp(queue, {})).deleted, "item is", "items are")} given up`);
      else {
        const { requeued, scheduled, left } = await acts.requeue(queue, {});
        toast(
          `${plural(requeued + scheduled, "item runs", "items run")} again${left.length > 0 ? `, ${count(left.length)} left: ${left[0]?.message ?? ""}` : ""}`,
        );
      }
    } catch (failure) {
      toast(messageOf(failure), "bad");
    }
    await cache.invalidateQueries({ queryKey: ["dead"] });
  }
  const open = data.queues.find((queue) => `${queue.kind}:${queue.name}` === shown);
  return (
    <div className="flex flex-col gap-8">
      <Wide label="Queues with dead letters">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Queue</th>
              <th scope="col" className="number">
                Dead
              </th>
              <th scope="col" className="pl-6!">
                Why
              </th>
              <th scope="col" className="number">
                Oldest
              </th>
              <th scope="col" className="number">
                Newest
              </th>
              <th scope="col">
                <span className="sr-only">Act</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.queues.map((queue) => (
              <tr key={`${queue.kind} ${queue.name}`}>
                <th scope="row" className="text-left">
                  <Link
                    to="/failures"
                    search={{ tab: "dead", queue: `${queue.kind}:${queue.name}` }}
                    aria-current={queue === open ? "true" : undefined}
                    className="link"
                  >
                    {queue.name}
                  </Link>
                  <span className="block text-xs font-normal text-soft">
                    {queue.kind === "stream" ? "stream: found no room" : "operation: failed for good"}
                  </span>
                </th>
                <td className="number">{count(queue.count)}</td>
                <td className="min-w-56 pl-6! text-soft">
                  {queue.reasons.slice(0, 3).map(({ reason, count: items }) => (
                    <span key={reason} className="mr-3 whitespace-nowrap">
                      <code>{reason}</code> <span className="figure">{count(items)}</span>
                    </span>
                  ))}
                  {queue.reasons.length > 3 ? `and ${queue.reasons.length - 3} more` : ""}
                </td>
                <td className="number">
                  <Time at={queue.oldest} />
                </td>
                <td className="number">
                  <Time at={queue.newest} />
                </td>
                <td>
                  <span className="flex justify-end gap-2">
                    {mayRequeue ? (
                      <button
                        type="button"
                        className="button"
                        aria-label={`Run again what is dead in ${queue.name}`}
                        onClick={() => setAsked({ queue, act: "requeue" })}
                      >
                        Run again
                      </button>
                    ) : null}
                    {mayGiveUp ? (
                      <button
                        type="button"
                        className="button button-quiet"
                        aria-label={`Give up what is dead in ${queue.name}`}
                        onClick={() => setAsked({ queue, act: "give up" })}
                      >
                        Give up
                      </button>
                    ) : null}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {open === undefined ? null : <DeadItems key={`${open.kind} ${open.name}`} queue={open} />}
      {asked === null ? null : (
        <Dialog
          title={
            asked.act === "requeue" ? `Run again what is dead in ${asked.queue.name}?` : `Give up what is dead in ${asked.queue.name}?`
          }
          onClose={() => setAsked(null)}
          footer={
            <>
              <button type="button" className="button" onClick={() => setAsked(null)}>
                Keep them
              </button>
              <button
                type="button"
                className={`button ${asked.act === "requeue" ? "button-main" : "button-danger"}`}
                onClick={() => void run()}
              >
                {asked.act === "requeue" ? "Run again" : "Give up"}: {plural(asked.queue.count, "item")}
              </button>
            </>
          }
        >
          <p>
            {asked.act === "requeue"
              ? asked.queue.kind === "stream"
                ? "They are offered to the stream again; what finds no room comes back here."
                : "They run again in their batches, as a retry of just these items."
              : asked.queue.kind === "stream"
                ? "They are removed for good."
                : "They leave this list; the results of their batches stay as they are."}
          </p>
        </Dialog>
      )}
    </div>
  );
}
