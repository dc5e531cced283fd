import type { ReactElement } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMay } from "../../data/session.ts";
import { count, plural } from "../../figures/number.ts";
import { Fault, messageOf } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Time } from "../../parts/time.tsx";
import { toast } from "../../parts/toast.ts";
import { acts, type Mute, mutesQuery } from "./queries.ts";
import type { FailureRange } from "./search.ts";

/** Kinds of failures nobody wants to hear of, by whom, why and until when; nothing when there are none. */
export function MutedList({ range, operation }: { range: FailureRange; operation: string | undefined }): ReactElement | null {
  const { data, error, refetch } = useQuery(mutesQuery(range, operation));
  const cache = useQueryClient();
  const mayUnmute = useMay("operator");
  if (error !== null && data === undefined) return <Fault error={error} retry={() => void refetch()} />;
  if (data === undefined || data.length === 0) return null;
  async function unmute({ fingerprint }: Mute): Promise<void> {
    try {
      await acts.unmute(fingerprint);
      toast("The kind of failure is heard again");
    } catch (failure) {
      toast(messageOf(failure), "bad");
    }
    await cache.invalidateQueries({ queryKey: ["failures"] });
  }
  return (
    <Section title="Muted" aside={`${plural(data.length, "kind")}, ${plural(sum(data), "item")}`}>
      <Wide label="Muted kinds of failures">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Error</th>
              <th scope="col" className="number">
                Items
              </th>
              <th scope="col" className="number">
                Last
              </th>
              <th scope="col" className="pl-6!">
                Why
              </th>
              <th scope="col">By</th>
              <th scope="col">Ends</th>
              <th scope="col">
                <span className="sr-only">Act</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.map((mute) => (
              <tr key={mute.fingerprint} className="[&>*]:align-top">
                <th scope="row" className="min-w-56 text-left whitespace-normal!">
                  <span className="line-clamp-2 font-normal break-words" title={mute.error}>
                    {mute.error}
                  </span>
                  <code className="text-xs font-normal text-soft">{mute.code}</code>
                </th>
                <td className="number">{count(mute.count)}</td>
                <td className="number">
                  <Time at={mute.last_seen} />
                </td>
                <td className="min-w-40 pl-6! break-words whitespace-normal! text-soft">{mute.reason}</td>
                <td className="text-soft">
                  {mute.by}, <Time at={mute.at} />
                </td>
                <td className="text-soft">
                  {mute.until === null ? "never by itself" : <Time at={mute.until} />}
                  {mute.until_change ? <span className="block text-xs">or in another operation</span> : null}
                </td>
                <td className="text-right">
                  {mayUnmute ? (
                    <button type="button" className="button" aria-label={`Unmute: ${mute.error}`} onClick={() => void unmute(mute)}>
                      Unmute
                    </button>
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </Section>
  );
}

function sum(mutes: readonly Mute[]): number {
  return mutes.reduce((total, mute) => total + mute.count, 0);
}
