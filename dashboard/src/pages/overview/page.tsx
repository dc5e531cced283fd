import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { queuesQuery, statsQuery, streamsQuery, workersQuery } from "../../data/queries.ts";
import { Fault, Loading } from "../../parts/notice.tsx";
import { Status } from "../../parts/status.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import { Day } from "./day.tsx";
import { FirstRun } from "./first-run.tsx";
import { NewestFailures } from "./newest-failures.tsx";
import { NowFigures } from "./now-figures.tsx";
import { QueueTable } from "./queue-table.tsx";
import { StreamTable } from "./stream-table.tsx";
import { verdictOf } from "./verdict.ts";
import { WorkerStrip } from "./worker-strip.tsx";

/** Whether all is well, in five seconds. */
export function OverviewPage(): ReactElement {
  const stats = useQuery(statsQuery);
  const queues = useQuery(queuesQuery);
  const workers = useQuery(workersQuery);
  const streams = useQuery(streamsQuery);
  const failed = [stats, queues, workers, streams].find((query) => query.isError && query.data === undefined);
  const retry = (): void => void Promise.all([stats, queues, workers, streams].map((query) => query.refetch()));

  if (failed !== undefined)
    return (
      <>
        <PageTitle title="Overview" />
        <Fault error={failed.error} retry={retry} />
      </>
    );
  if (stats.data === undefined || queues.data === undefined || workers.data === undefined || streams.data === undefined)
    return (
      <>
        <PageTitle title="Overview" />
        <Loading lines={8} label="Loading the overview" />
      </>
    );
  const verdict = verdictOf(queues.data, workers.data, streams.data, stats.data);
  return (
    <>
      <PageTitle title={verdict.sentence} tab="Overview" above={<Status look={verdict.look} />} />
      {stats.data.total === 0 ? (
        <FirstRun />
      ) : (
        <div className="flex flex-col gap-10">
          <NowFigures queues={queues.data} stats={stats.data} />
          <Day />
          <div className="grid gap-x-10 gap-y-10 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
            <QueueTable queues={queues.data} />
            <WorkerStrip workers={workers.data} />
          </div>
          <StreamTable streams={streams.data} />
          <NewestFailures />
        </div>
      )}
    </>
  );
}
