import { useState, type ReactElement } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Batch, ErrorGroup } from "batchyard/client";
import { client } from "../../data/client.ts";
import { errorsQuery } from "../../data/queries.ts";
import { useMay } from "../../data/session.ts";
import { count, percent, plural } from "../../figures/number.ts";
import { Awaited, messageOf } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Time } from "../../parts/time.tsx";
import { toast } from "../../parts/toast.ts";
import { isOpen } from "../../parts/batch-state.ts";

/** Failures of a kind together, each with a retry of its own. */
export function ErrorGroups({ batch }: { batch: Batch }): ReactElement {
  const { data, error, refetch } = useQuery(errorsQuery(batch.id));
  return (
    <Section title="Errors" aside={plural(batch.failed_items, "item failed", "items failed")}>
      {data === undefined ? (
        <Awaited error={error} label="Loading errors" retry={() => void refetch()} />
      ) : (
        <Wide label="Errors">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Error</th>
                <th scope="col" className="number">
                  Items
                </th>
                <th scope="col" className="number">
                  Share
                </th>
                <th scope="col" className="hidden pl-4! md:table-cell">
                  Last
                </th>
                <th scope="col" className="hidden md:table-cell">
                  Examples
                </th>
                <th scope="col" className="hidden md:table-cell">
                  <span className="sr-only">Act</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map((group) => (
                <GroupRow key={group.fingerprint} batch={batch} group={group} />
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </Section>
  );
}

function GroupRow({ batch, group }: { batch: Batch; group: ErrorGroup }): ReactElement {
  const cache = useQueryClient();
  const mayAct = useMay("operator");
  const [busy, setBusy] = useState(false);
  async function retry(): Promise<void> {
    setBusy(true);
    try {
      await client.retry(batch.id, { errorFingerprint: group.fingerprint });
      toast(`${plural(group.count, "item runs", "items run")} again`);
      await Promise.all(["batch", "errors", "viz"].map((name) => cache.invalidateQueries({ queryKey: [name, batch.id] })));
    } catch (error) {
      toast(messageOf(error), "bad");
    } finally {
      setBusy(false);
    }
  }
  const actions = (
    <>
      <Link
        to="/batches/$id"
        params={{ id: batch.id }}
        search={{ items: "failed", error: group.error.slice(0, 200) }}
        hash="results"
        className="button button-quiet"
      >
        Show
      </Link>
      {mayAct ? (
        <button type="button" className="button" disabled={busy || isOpen(batch)} onClick={() => void retry()}>
          Retry
        </button>
      ) : null}
    </>
  );
  return (
    <tr className="[&>*]:align-top md:[&>*]:align-middle">
      <th scope="row" className="py-2! text-left whitespace-normal! md:min-w-64">
        <span className="line-clamp-2 font-medium break-words" title={group.error}>
          {group.error}
        </span>
        <span className="text-xs font-normal text-soft">
          <code>{group.code}</code> · {group.category}
        </span>
        <span className="mt-2 flex flex-wrap items-center gap-2 text-xs font-normal text-soft md:hidden">
          <span className="w-full">
            last seen <Time at={group.lastSeen} />
          </span>
          {actions}
        </span>
      </th>
      <td className="number py-2!">{count(group.count)}</td>
      <td className="number py-2!">{percent(group.percentage / 100)}</td>
      <td className="hidden pl-4! md:table-cell">
        <Time at={group.lastSeen} />
      </td>
      <td className="hidden max-w-48 truncate text-soft md:table-cell">
        {group.examples.slice(0, 3).map((key) => (
          <code key={key} className="mr-2">
            {key}
          </code>
        ))}
      </td>
      <td className="hidden md:table-cell">
        <span className="flex justify-end gap-2">{actions}</span>
      </td>
    </tr>
  );
}
