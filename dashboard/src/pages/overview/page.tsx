import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { overviewQuery, statsQuery } from "../../data/queries.ts";
import { Fault, Loading } from "../../parts/notice.tsx";
import { Status } from "../../parts/status.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import { HEALTH_LOOK } from "../../parts/states.ts";
import { ClosureMix } from "./closure-mix.tsx";
import { CriticalEvents } from "./critical-events.tsx";
import { Day } from "./day.tsx";
import { FirstRun } from "./first-run.tsx";
import { LastKnown } from "./last-known.tsx";
import { QueueTable } from "./queue-table.tsx";
import { StreamTable } from "./stream-table.tsx";
import { verdictOf } from "./verdict.ts";
import { Tiles } from "./tiles.tsx";
import { WorkerStrip } from "./worker-strip.tsx";

/** Whether all is well, in five seconds. */
export function OverviewPage(): ReactElement {
  const overview = useQuery(overviewQuery);
  const stats = useQuery(statsQuery);
  const error = overview.data === undefined ? overview.error : stats.data === undefined ? stats.error : null;
  if (overview.data === undefined || stats.data === undefined)
    return (
      <>
        <PageTitle title="Overview" />
        {error === null ? (
          <Loading lines={8} label="Loading the overview" />
        ) : (
          <Fault error={error} retry={() => void Promise.all([overview.refetch(), stats.refetch()])} />
        )}
      </>
    );
  const { data } = overview;
  const verdict = verdictOf(data.verdict);
  const isNew = stats.data.total === 0;
  const again = (): void => void Promise.all([overview.refetch(), stats.refetch()]);
  return (
    <LastKnown failing={overview.failureCount > 0} since={overview.dataUpdatedAt} again={again}>
      <PageTitle
        title={isNew ? "Ready for the first batch" : verdict.first}
        tab="Overview"
        above={<Status look={HEALTH_LOOK[data.health.status]} />}
        below={
          <div className="flex max-w-prose flex-col gap-1">
            {isNew || verdict.rest === "" ? null : <p>{verdict.rest}</p>}
            {data.health.reasons.slice(1, 4).map((reason) => (
              <p key={`${reason.code} ${reason.message}`}>{reason.message}</p>
            ))}
          </div>
        }
      />
      {isNew ? (
        <FirstRun />
      ) : (
        <div className="flex flex-col gap-10">
          <Tiles overview={data} />
          <Day />
          <div className="grid gap-x-10 gap-y-10 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
            <QueueTable queues={data.queues} />
            <WorkerStrip workers={data.workers} utilisation={data.utilisation} />
          </div>
          <StreamTable streams={data.streams} queues={data.queues} />
          <ClosureMix windows={data.day.windows} />
          <CriticalEvents events={data.critical} />
        </div>
      )}
    </LastKnown>
  );
}
