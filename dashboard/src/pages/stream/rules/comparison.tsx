import type { ReactElement, ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import type { Preview } from "batchyard/client";
import { duration } from "../../../figures/duration.ts";
import { count, percent, plural, rate } from "../../../figures/number.ts";
import { fullTime } from "../../../figures/time.ts";
import { ClosureBar } from "../../../parts/closure-bar.tsx";
import { Icon } from "../../../parts/icon.tsx";
import { Section, Wide } from "../../../parts/section.tsx";
import { measuredQuery } from "../queries.ts";
import { Sweep } from "./sweep.tsx";

const HOUR_MS = 3_600_000;
type Outcome = NonNullable<Preview["candidate"]>;

/** What was measured, what the rules in force do in a replay, and what the edited ones would have done. */
export function Comparison({ name, preview, isOld }: { name: string; preview: Preview; isOld: boolean }): ReactElement {
  const { current, candidate, calibration, since, until, arrivals } = preview;
  const span = since === null ? 0 : Date.parse(until) - Date.parse(since);
  return (
    <Section
      title="Impact"
      aside={
        since === null ? undefined : (
          <span title={`${fullTime(since)} to ${fullTime(until)}`}>
            {plural(arrivals.items, "arrival")} of {plural(arrivals.keys, "key")} in {duration(span)}, replayed
          </span>
        )
      }
    >
      {isOld ? <p className="text-sm text-warn">The rules were edited since: this is what the ones before would have done.</p> : null}
      {current === null || candidate === null || since === null ? (
        <p className="max-w-prose">
          <span className="font-medium">It needs more data.</span> {preview.message}.
        </p>
      ) : (
        <>
          {span < HOUR_MS ? (
            <p className="max-w-prose text-sm">
              <span className="inline-flex items-center gap-1.5 font-medium text-warn">
                <Icon name="warning" /> It needs more data.
              </span>{" "}
              Only {duration(Math.floor(span / 1000) * 1000)} of arrivals are recorded; from an hour on it says how a day would be. This is
              what there is.
            </p>
          ) : null}
          {candidate.refused ? (
            <p className="inline-flex max-w-prose items-baseline gap-1.5 font-medium text-bad">
              <Icon name="cross" /> {candidate.reason}
            </p>
          ) : null}
          {preview.warnings.length === 0 ? null : (
            <ul className="flex flex-col gap-1 text-sm">
              {preview.warnings.map((warning) => (
                <li key={warning} className="inline-flex items-baseline gap-1.5 text-warn">
                  <Icon name="warning" /> <span>{warning}</span>
                </li>
              ))}
            </ul>
          )}
          <Table name={name} preview={preview} current={current} candidate={candidate} since={since} />
          {calibration === null || calibration.share === null ? null : (
            <p className="max-w-prose text-sm text-soft">
              Measured is what closed in that time, also under earlier rules. {percent(calibration.share)} of the windows that really closed
              under the rules in force came out of the replay with the same key, start, items and reason ({count(calibration.matched)} of{" "}
              {count(calibration.recorded.batches)}).
            </p>
          )}
          {preview.sweep === null ? null : <Sweep sweep={preview.sweep} />}
        </>
      )}
    </Section>
  );
}

interface TableProps {
  name: string;
  preview: Preview;
  current: Outcome;
  candidate: Outcome;
  since: string;
}

interface Row {
  name: string;
  measured: ReactNode;
  of: (outcome: Outcome) => ReactNode;
  /** Of the figure whose change is shown; null = none. */
  number?: (outcome: Outcome) => number | null;
}

function Table({ name, preview, current, candidate, since }: TableProps): ReactElement {
  const closed = useQuery(measuredQuery(name, "windows_closed_total", since, preview.until)).data?.current.whole;
  const items = useQuery(measuredQuery(name, "window_items_total", since, preview.until)).data?.current.whole.value;
  const size = useQuery(measuredQuery(name, "window_size_items", since, preview.until)).data?.current.whole;
  const age = useQuery(measuredQuery(name, "window_age_seconds", since, preview.until)).data?.current.whole;
  const batches = closed?.value ?? null;
  const ms = (value: number | undefined): string => (value === undefined ? "—" : duration(value));
  const seconds = (value: number | undefined): string => (value === undefined ? "—" : duration(value * 1000));
  const rows: Row[] = [
    {
      name: "Batches",
      measured: batches === null ? "—" : count(batches),
      of: (outcome) => count(outcome.batches),
      number: (outcome) => outcome.batches,
    },
    {
      name: "Items a batch, mean",
      measured: size?.value === null || size === undefined ? "—" : rate(size.value),
      of: (outcome) => (outcome.items_per_batch === null ? "—" : rate(outcome.items_per_batch.mean)),
      number: (outcome) => outcome.items_per_batch?.mean ?? null,
    },
    ...(["p50", "p95", "p99"] as const).map((p): Row => ({
      name: `Age at closure, ${p}`,
      measured: seconds(age?.[p]),
      of: (outcome) => ms(outcome.age_at_closure_ms?.[p]),
      number: (outcome) => outcome.age_at_closure_ms?.[p] ?? null,
    })),
    {
      name: "Jobs avoided",
      measured: batches === null || items === null || items === undefined ? "—" : count(items - batches),
      of: (outcome) => count(outcome.jobs_avoided),
      number: (outcome) => outcome.jobs_avoided,
    },
    {
      name: "Most closures a second",
      measured: "—",
      of: (outcome) => count(outcome.peak_closures_per_second),
      number: (outcome) => outcome.peak_closures_per_second,
    },
    {
      name: "Most open items",
      measured: "—",
      of: (outcome) => count(outcome.peak_open_items),
      number: (outcome) => outcome.peak_open_items,
    },
    {
      name: "Slots in use, busiest hour",
      measured: "—",
      of: (outcome) => (outcome.utilisation === null ? "unknown" : percent(outcome.utilisation.busiest_hour)),
      number: (outcome) => outcome.utilisation?.busiest_hour ?? null,
    },
    {
      name: "Closed by",
      measured: closed?.parts === undefined ? "—" : <Mix closures={closed.parts} />,
      of: (outcome) => <Mix closures={outcome.reasons} />,
    },
  ];
  return (
    <Wide sideways label="Impact">
      <table className="table max-w-4xl" aria-label="Impact">
        <thead>
          <tr>
            <th scope="col">
              <span className="sr-only">Figure</span>
            </th>
            <th scope="col" className="number min-w-28">
              Now, measured
            </th>
            <th scope="col" className="number min-w-28">
              Now, replayed
            </th>
            <th scope="col" className="number min-w-28">
              Edited rules
            </th>
            <th scope="col" className="number">
              Change
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row" className="text-left font-normal">
                {row.name}
              </th>
              <td className="number text-soft">{row.measured}</td>
              <td className="number">{row.of(current)}</td>
              <td className="number font-medium">{row.of(candidate)}</td>
              <td className="number text-soft">{row.number === undefined ? "" : changed(row.number(current), row.number(candidate))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function Mix({ closures }: { closures: Readonly<Record<string, number>> }): ReactElement {
  const sorted = Object.entries(closures)
    .filter(([, windows]) => windows > 0)
    .sort(([, a], [, b]) => b - a);
  const total = sorted.reduce((sum, [, windows]) => sum + windows, 0);
  return (
    <span className="flex flex-col gap-1">
      <ClosureBar closures={closures} />
      {sorted.slice(0, 3).map(([reason, windows]) => (
        <span key={reason} className="text-xs font-normal text-soft">
          {reason.replaceAll("_", " ")} {percent(windows / total)}
        </span>
      ))}
    </span>
  );
}

function changed(before: number | null, after: number | null): string {
  if (before === null || after === null || before === 0) return "—";
  const share = after / before - 1;
  return Math.abs(share) < 0.0005 ? "same" : `${share > 0 ? "+" : "−"}${(Math.abs(share) * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;
}
