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
              <th scope="col" className="number hidden md:table-cell">
                Last
              </th>
              <th scope="col" className="hidden pl-6! md:table-cell">
                Why
              </th>
              <th scope="col" className="hidden md:table-cell">
                By
              </th>
              <th scope="col" className="hidden md:table-cell">
                Ends
              </th>
              <th scope="col" className="hidden md:table-cell">
                <span className="sr-only">Act</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.map((mute) => (
              <MutedRow key={mute.fingerprint} mute={mute} onUnmute={mayUnmute ? () => void unmute(mute) : null} />
            ))}
          </tbody>
        </table>
      </Wide>
    </Section>
  );
}

function MutedRow({ mute, onUnmute }: { mute: Mute; onUnmute: (() => void) | null }): ReactElement {
  const ends = (
    <>
      {mute.until === null ? "never by itself" : <Time at={mute.until} />}
      {mute.until_change ? <span className="block text-xs">or in another operation</span> : null}
    </>
  );
  const act =
    onUnmute === null ? null : (
      <button type="button" className="button" aria-label={`Unmute: ${mute.error}`} onClick={onUnmute}>
        Unmute
      </button>
    );
  return (
    <tr className="[&>*]:py-3! [&>*]:align-top">
      <th scope="row" className="text-left whitespace-normal! md:min-w-56">
        <span className="line-clamp-2 font-normal break-words" title={mute.error}>
          {mute.error}
        </span>
        <code className="text-xs font-normal text-soft">{mute.code}</code>
        <div className="mt-1 flex flex-col gap-1 text-xs font-normal text-soft md:hidden">
          <p className="break-words">{mute.reason}</p>
          <p>
            by {mute.by}, <Time at={mute.at} />
          </p>
          <div className="flex items-end justify-between gap-3">
            <p>ends {ends}</p>
            {act}
          </div>
        </div>
      </th>
      <td className="number">{count(mute.count)}</td>
      <td className="number hidden md:table-cell">
        <Time at={mute.last_seen} />
      </td>
      <td className="hidden min-w-40 pl-6! break-words whitespace-normal! text-soft md:table-cell">{mute.reason}</td>
      <td className="hidden text-soft md:table-cell">
        {mute.by}, <Time at={mute.at} />
      </td>
      <td className="hidden text-soft md:table-cell">{ends}</td>
      <td className="hidden text-right md:table-cell">{act === null ? null : <span className="-my-1.5 block">{act}</span>}</td>
    </tr>
  );
}

function sum(mutes: readonly Mute[]): number {
  return mutes.reduce((total, mute) => total + mute.count, 0);
}
