import type { ReactElement, ReactNode } from "react";
import { duration } from "../../figures/duration.ts";
import { count, percent, plural } from "../../figures/number.ts";
import { Section, Wide } from "../../parts/section.tsx";
import type { Flow } from "./queries.ts";

type Stage = Flow["stages"][number];

const STAGES: Readonly<Record<Stage["stage"], { name: string; what: string; fill: string }>> = {
  window: { name: "Window", what: "items wait for their window to close", fill: "bg-idle" },
  queue: { name: "Queue", what: "batches wait for a slot", fill: "bg-warn" },
  run: { name: "Run", what: "from the first chunk to the last", fill: "bg-busy" },
};
const COLUMNS = ["p50", "p95", "p99"] as const;

/** The way of an item as one bar, and its figures. */
export function Stages({ flow, aside }: { flow: Flow; aside: ReactNode }): ReactElement {
  const { stages, tries, batch, end_to_end } = flow;
  const seconds = (value: number | undefined): string => (value === undefined ? "—" : duration(value * 1000));
  const none = stages.every(({ times }) => times === null);
  return (
    <Section title="Stages" aside={aside}>
      {none ? (
        <p className="text-soft">Nothing went through in this time. Choose a longer one, or send something.</p>
      ) : (
        <ol aria-label="Shares of the stages" className="flex h-12 w-full overflow-hidden rounded-md">
          {stages
            .filter(({ share }) => share > 0)
            .map(({ stage, share }) => (
              <li
                key={stage}
                title={`${STAGES[stage].name}: ${percent(share)}`}
                className={`flex min-w-1 items-center overflow-hidden ${share > 0.12 ? "px-3" : ""} text-sm font-medium whitespace-nowrap text-paper ${STAGES[stage].fill}`}
                style={{ width: `${share * 100}%` }}
              >
                {share > 0.12 ? (
                  `${STAGES[stage].name} ${percent(share)}`
                ) : (
                  <span className="sr-only">{`${STAGES[stage].name} ${percent(share)}`}</span>
                )}
              </li>
            ))}
        </ol>
      )}
      <Wide sideways label="Stages">
        <table className="table" aria-label="Stages">
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col" className="number">
                Share of p95
              </th>
              {COLUMNS.map((name) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
              <th scope="col" className="number">
                Mean
              </th>
              <th scope="col" className="number">
                Passed
              </th>
            </tr>
          </thead>
          <tbody>
            {stages.map(({ stage, times, share, count: passed }) => (
              <tr key={stage}>
                <th scope="row" className="text-left">
                  <span className="inline-flex items-center gap-2">
                    <span aria-hidden="true" className={`size-2.5 rounded-[2px] ${STAGES[stage].fill}`} />
                    {STAGES[stage].name} <span className="hidden font-normal text-soft sm:inline">{STAGES[stage].what}</span>
                  </span>
                </th>
                <td className="number">{times === null ? "—" : percent(share)}</td>
                {COLUMNS.map((name) => (
                  <td key={name} className="number">
                    {seconds(times?.[`${name}_seconds`])}
                  </td>
                ))}
                <td className="number">{seconds(times?.mean_seconds)}</td>
                <td className="number text-soft">{stage === "window" ? plural(passed, "window") : plural(passed, "batch", "batches")}</td>
              </tr>
            ))}
            {[
              { name: "Queue and run", times: batch },
              { name: "End to end", times: end_to_end },
            ]
              .filter(({ times }) => times !== null)
              .map(({ name, times }) => (
                <tr key={name}>
                  <th scope="row" className="text-left">
                    {name}
                  </th>
                  <td className="number">—</td>
                  {COLUMNS.map((column) => (
                    <td key={column} className="number font-medium">
                      {seconds(times?.[`${column}_seconds`])}
                    </td>
                  ))}
                  <td className="number font-medium">{seconds(times?.mean_seconds)}</td>
                  <td />
                </tr>
              ))}
          </tbody>
        </table>
      </Wide>
      <Tries tries={tries} />
    </Section>
  );
}

/** Retries are within the run: what they take of the tries is known, their time by itself is not. */
function Tries({ tries }: { tries: Flow["tries"] }): ReactElement | null {
  if (tries.share === null) return null;
  const causes = Object.entries(tries.by_category).sort(([, a], [, b]) => b - a);
  return (
    <p className="figure text-sm">
      <span className="font-medium">Retry</span>{" "}
      {tries.retried === 0 ? (
        <>no item was tried twice, {count(tries.settled)} ended</>
      ) : (
        <>
          {percent(tries.share)} of the tries were repeated later ({count(tries.retried)} of {count(tries.settled + tries.retried)})
          {causes.length === 0
            ? ""
            : `: ${causes.map(([category, number]) => `${category.replaceAll("_", " ")} ${count(number)}`).join(", ")}`}
        </>
      )}
      <span className="text-soft">; within the run</span>
    </p>
  );
}
