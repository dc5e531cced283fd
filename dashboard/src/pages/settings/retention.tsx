import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { retention } from "batchyard/contract";
import type { z } from "zod";
import { bytes, compact, count, plural } from "../../figures/number.ts";
import { Meter } from "../../parts/meter.tsx";
import { Fault, Loading } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { BatchStatusMark } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { BATCH_LOOK } from "../../parts/states.ts";
import { retentionQuery } from "./queries.ts";

type Ladder = z.output<typeof retention.retentionAnswer>;
type Rung = Ladder["states"][number]["ages"][number];

/** How long what is kept, what it takes, and what goes next. */
export function Retention(): ReactElement {
  const { data, error, refetch } = useQuery(retentionQuery);
  if (data === undefined)
    return error === null ? <Loading lines={6} label="Loading what is kept" /> : <Fault error={error} retry={() => void refetch()} />;
  const { states, unfinished, store, dead_letters: deadLetters, audit, last_pass: last, next_pass_at: next } = data;
  const most = Math.max(1, ...states.map((state) => state.estimated_bytes));
  return (
    <Section
      title="What is kept, and how long"
      className="border-t-0 pt-0!"
      aside={
        <Link to="/settings" search={{ q: "retention." }} className="link">
          Change the days
        </Link>
      }
    >
      <Wide label="Retention by state">
        <table className="table">
          <thead>
            <tr>
              <th scope="col" className="whitespace-normal! md:w-48">
                Batches that are
              </th>
              <th scope="col">Kept for</th>
              <th scope="col" className="number">
                Batches
              </th>
              <th scope="col" className="number hidden md:table-cell">
                Items
              </th>
              <th scope="col" className="number hidden md:table-cell">
                Size, estimated
              </th>
              <th scope="col" className="hidden w-32 pl-4! md:table-cell">
                <span className="sr-only">Share of the largest</span>
              </th>
              <th scope="col" className="hidden md:table-cell">
                By age
              </th>
              <th scope="col" className="number whitespace-normal!">
                Next pass removes
              </th>
            </tr>
          </thead>
          <tbody>
            {states.map(({ status, days, setting, batches, items, estimated_bytes, due, ages }) => (
              <tr key={status}>
                <th scope="row" className="text-left font-normal">
                  <BatchStatusMark status={status} />
                </th>
                <td className="figure whitespace-nowrap" title={`Set by ${setting}`}>
                  {plural(days, "day")}
                </td>
                <td className="number">{count(batches)}</td>
                <td className="number hidden md:table-cell" title={count(items)}>
                  {compact(items)}
                </td>
                <td className="number hidden md:table-cell">{bytes(estimated_bytes)}</td>
                <td className="hidden pl-4! md:table-cell">
                  <Meter
                    label="Size"
                    total={most}
                    shares={[{ label: "estimated", value: estimated_bytes, tone: BATCH_LOOK[status].tone }]}
                  />
                </td>
                <td className="figure hidden text-xs whitespace-nowrap text-soft md:table-cell">{ages.map(rung).join(" · ")}</td>
                <td className="number">{dueText(due.batches, due.more)}</td>
              </tr>
            ))}
            <tr>
              <th scope="row" className="text-left font-normal">
                Not ended
              </th>
              <td>always</td>
              <td className="number">{count(unfinished.batches)}</td>
              <td className="number hidden md:table-cell" title={count(unfinished.items)}>
                {compact(unfinished.items)}
              </td>
              <td className="number hidden md:table-cell">{bytes(unfinished.estimated_bytes)}</td>
              <td className="hidden md:table-cell" />
              <td className="hidden md:table-cell" />
              <td className="number">none</td>
            </tr>
          </tbody>
        </table>
      </Wide>
      <Wide label="Retention of what is not a batch">
        <table className="table">
          <thead>
            <tr>
              <th scope="col" className="md:w-48">
                Besides batches
              </th>
              <th scope="col">Kept for</th>
              <th scope="col" className="number whitespace-normal!">
                Next pass removes
              </th>
            </tr>
          </thead>
          <tbody>
            <LogRow name="Dead letters of streams" log={deadLetters} />
            {audit === null ? null : <LogRow name="Audit entries" log={audit} />}
          </tbody>
        </table>
      </Wide>
      <p className="flex flex-wrap gap-x-6 gap-y-1 text-sm text-soft">
        {store === null ? null : (
          <span>
            The store uses {bytes(store.used_bytes)}; {bytes(store.free_bytes)} of its file are free for what comes next.
          </span>
        )}
        {last === null ? null : (
          <span>
            Last pass <Time at={last.ended_at} />
            {last.removed === null
              ? ""
              : `, removed ${plural(
                  Object.values(last.removed).reduce((sum, each) => sum + each, 0),
                  "batch",
                  "batches",
                )}`}
            .
          </span>
        )}
        <span>
          {next === null ? (
            "A pass is under way."
          ) : (
            <>
              Next pass <Time at={next} />.
            </>
          )}
        </span>
      </p>
    </Section>
  );
}

function LogRow({ name, log: { days, setting, due } }: { name: string; log: Ladder["dead_letters"] }): ReactElement {
  return (
    <tr>
      <th scope="row" className="text-left font-normal">
        {name}
      </th>
      <td className="figure whitespace-nowrap" title={`Set by ${setting}`}>
        {days === 0 ? "always" : plural(days, "day")}
      </td>
      <td className="number">{dueText(due.entries, due.more)}</td>
    </tr>
  );
}

/** "none", "over 10,000" where there are more than were counted. */
function dueText(entries: number, more: boolean): string {
  return entries === 0 ? "none" : `${more ? "over " : ""}${count(entries)}`;
}

/** "1–7 d: 40" */
function rung({ from_days: from, to_days: to, batches }: Rung): string {
  return `${to === null ? `over ${from}` : `${from}–${to}`} d: ${compact(batches)}`;
}
