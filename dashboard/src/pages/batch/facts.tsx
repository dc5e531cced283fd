import type { ReactElement, ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Batch } from "batchyard/client";
import { batchAboutQuery } from "../../data/queries.ts";
import { fullTime } from "../../figures/time.ts";
import { Section } from "../../parts/section.tsx";

/** What it was asked to do, as it is in force. */
export function Facts({ batch }: { batch: Batch }): ReactElement {
  const about = useQuery(batchAboutQuery(batch.id)).data;
  const since = about?.window?.rules_since ?? null;
  const traceUrl = about?.trace_url ?? null;
  const at = (time: string | null): string => (time === null ? "—" : fullTime(time));
  const facts: [string, ReactNode][] = [
    ["Priority", batch.priority],
    ["Executor", batch.executor],
    ["Created", at(batch.created_at)],
    ["Started", at(batch.started_at)],
    ["Ended", at(batch.completed_at)],
    ["Run", batch.epoch],
    ...(batch.stream === null
      ? []
      : ([
          [
            "Stream",
            <span key="stream" className="flex flex-wrap gap-x-3">
              <span>
                <Link to="/streams/$name" params={{ name: batch.stream }} className="link">
                  {batch.stream}
                </Link>
                , key {batch.key ?? "—"}, closed by {batch.close_reason ?? "—"}
              </span>
              {batch.key === null ? null : (
                <Link to="/batches" search={{ q: `stream:${quoted(batch.stream)} key:${quoted(batch.key)}` }} className="link">
                  All batches of the key
                </Link>
              )}
            </span>,
          ],
          [
            "Rules",
            <Link key="rules" to="/streams/$name" params={{ name: batch.stream }} search={{ tab: "rules" }} className="link">
              {since === null ? "of the stream" : `as of ${at(since)}`}
            </Link>,
          ],
        ] as [string, ReactNode][])),
    [
      "Events",
      <Link key="events" to="/events" search={{ at: batch.created_at, q: batch.id }} className="link">
        What was logged of it
      </Link>,
    ],
    ...(batch.trace_id === null
      ? []
      : ([
          [
            "Trace",
            traceUrl === null ? (
              <code>{batch.trace_id}</code>
            ) : (
              <a href={traceUrl} className="link font-mono">
                {batch.trace_id}
              </a>
            ),
          ],
        ] as [string, ReactNode][])),
    ...(batch.depends_on.length === 0
      ? []
      : ([
          [
            "Depends on",
            batch.depends_on.map((id) => (
              <Link key={id} to="/batches/$id" params={{ id }} className="link mr-2 font-mono">
                {id}
              </Link>
            )),
          ],
        ] as [string, ReactNode][])),
    ...(batch.tags.length === 0 ? [] : ([["Tags", batch.tags.join(", ")]] as [string, ReactNode][])),
    ...(batch.description === null ? [] : ([["Description", batch.description]] as [string, ReactNode][])),
    ...(batch.late_results === 0 ? [] : ([["Late results", `${batch.late_results} refused`]] as [string, ReactNode][])),
  ];
  return (
    <Section title="Definition">
      <div className="grid gap-x-10 gap-y-4 lg:grid-cols-2">
        <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-y-2 self-start text-sm">
          {facts.map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="text-soft">{name}</dt>
              <dd className="min-w-0 break-words">{value}</dd>
            </div>
          ))}
        </dl>
        <pre
          tabIndex={0}
          aria-label="Options"
          className="max-h-96 overflow-auto rounded-md bg-wash p-3 text-sm leading-5 break-words whitespace-pre-wrap"
        >
          {JSON.stringify({ options: batch.options, filters: batch.filters, input: batch.input, metadata: batch.metadata }, null, 2)}
        </pre>
      </div>
    </Section>
  );
}

function quoted(value: string): string {
  return /\s/.test(value) ? `"${value}"` : value;
}
