import type { ReactElement } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { duration } from "../../figures/duration.ts";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { NumberHeads, Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { lasted } from "./alert-list.tsx";
import { CauseLink } from "./cause-link.tsx";
import { Episodes } from "./episodes.tsx";
import { aboutOf, limit, measured, SEVERITY_LOOK, toneOf } from "./look.ts";
import { historyQuery, type Alert, type Rule } from "./queries.ts";

const HOUR_MS = 3_600_000;
/** The timeline is as long as the shortest of these that has everything of the last days in it. */
const LENGTHS = [1, 6, 24, 7 * 24].map((hours) => hours * HOUR_MS);
const LONGEST_MS = 7 * 24 * HOUR_MS;

/** What fired and ended, newest first, and when it did over the last days. */
export function HistoryList({ open, rules }: { open: readonly Alert[]; rules: readonly Rule[] }): ReactElement {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(historyQuery);
  if (data === undefined)
    return error === null ? <Loading lines={6} label="Loading what has fired" /> : <Fault error={error} retry={() => void refetch()} />;
  const ended = data.pages.flatMap((page) => page.alerts);
  if (ended.length + open.length === 0)
    return <Empty title="Nothing has fired yet">What fires and ends stands here for as long as monitoring is kept.</Empty>;
  const to = Date.now();
  const oldest = ended.at(-1);
  // Before the oldest that is loaded nothing is known, unless all are loaded.
  const known = hasNextPage && oldest !== undefined ? Date.parse(oldest.openedAt) : 0;
  const reach = Math.max(to - LONGEST_MS, known);
  const shown = [...open, ...ended].filter(({ resolvedAt }) => resolvedAt === null || Date.parse(resolvedAt) >= reach);
  const first = Math.max(reach, Math.min(...shown.map(({ openedAt }) => Date.parse(openedAt))));
  const length = Math.min(to - reach, LENGTHS.find((each) => to - each <= first) ?? LONGEST_MS);
  return (
    <div className="flex flex-col gap-10">
      {shown.length === 0 ? null : (
        <Section title="Timeline" aside={`the last ${duration(Math.round(length / 60_000) * 60_000)}`} className="border-t-0! pt-0!">
          <Episodes
            from={to - length}
            to={to}
            episodes={shown.map((alert) => ({
              ...alert,
              line: `${alert.rule} ${aboutOf(alert.instance).name}`,
              tone: toneOf(alert.severity),
            }))}
          />
        </Section>
      )}
      <Section title="Ended" aside="newest first">
        {ended.length === 0 ? (
          <p className="text-soft">Nothing that fired has ended yet.</p>
        ) : (
          <>
            <Wide label="Ended alerts">
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col">Severity</th>
                    <th scope="col">Alert</th>
                    <NumberHeads names={["Worst", "Fired at", "Opened", "Lasted"]} />
                    <th scope="col" className="pl-6!">
                      Told
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {ended.map((alert) => {
                    const rule = rules.find(({ name }) => name === alert.rule);
                    const unit = rule?.unit ?? "count";
                    return (
                      <tr key={alert.id}>
                        <td className="w-28">
                          <Status look={{ ...SEVERITY_LOOK[alert.severity], tone: "idle" }} />
                        </td>
                        <th scope="row" className="text-left whitespace-nowrap">
                          <span className="font-medium">{alert.rule}</span>{" "}
                          <CauseLink kind={alert.kind} instance={alert.instance}>
                            {aboutOf(alert.instance).name}
                          </CauseLink>
                        </th>
                        <td className="number">{measured(alert.worst, unit)}</td>
                        <td className="number text-soft">
                          {rule === undefined ? measured(alert.threshold, unit) : limit(alert.threshold, rule)}
                        </td>
                        <td className="number">
                          <Time at={alert.openedAt} />
                        </td>
                        <td className="number">{lasted(alert)}</td>
                        <td className="pl-6! text-soft">
                          {alert.channels === null ? "nobody" : alert.channels.length === 0 ? "nobody" : alert.channels.join(", ")}
                          {alert.acknowledgedBy === null ? "" : `; taken on by ${alert.acknowledgedBy}`}
                        </td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </Wide>
            {hasNextPage ? (
              <button type="button" className="button self-start" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                100 more
              </button>
            ) : null}
          </>
        )}
      </Section>
    </div>
  );
}
