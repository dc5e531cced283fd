import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { percent, plural, slotsInUse } from "../../figures/number.ts";
import { Awaited } from "../../parts/notice.tsx";
import { FigureRow } from "../../parts/figure-row.tsx";
import { overviewQuery } from "../../data/queries.ts";
import { PageTitle } from "../../shell/page-title.tsx";
import { Breakers } from "./breakers.tsx";
import { Held } from "./held.tsx";
import { workersQuery, type Worker } from "./queries.ts";
import { StartWorker } from "./start-worker.tsx";
import { WorkerTable } from "./worker-table.tsx";

/** Who does the work: how much of each is in use, who fell silent, what is switched off. */
export function WorkersPage(): ReactElement {
  const { data, dataUpdatedAt, error, refetch } = useQuery(workersQuery);
  return (
    <>
      <PageTitle title="Workers" below="Who runs chunks: this server itself, and programs of yours that pull over HTTP." />
      {data === undefined ? (
        <Awaited error={error} lines={6} label="Loading workers" retry={() => void refetch()} />
      ) : (
        <div className="flex flex-col gap-10">
          <Figures workers={data} />
          <WorkerTable title="This server" workers={data.filter(({ kind }) => kind === "local")} toldAt={dataUpdatedAt} />
          {data.some(({ kind }) => kind === "external") ? (
            <WorkerTable title="Over HTTP" workers={data.filter(({ kind }) => kind === "external")} toldAt={dataUpdatedAt} />
          ) : null}
          <Held />
          <Breakers />
          <StartWorker none={data.every(isOff)} />
        </div>
      )}
    </>
  );
}

function isOff({ kind, slots, state }: Worker): boolean {
  return kind === "local" ? slots === 0 : state === "lost";
}

function Figures({ workers }: { workers: readonly Worker[] }): ReactElement {
  const { data: overview } = useQuery(overviewQuery);
  const slots = workers.reduce((sum, worker) => sum + (worker.slots ?? 0), 0);
  const used = workers.reduce((sum, worker) => sum + (worker.slots === null ? 0 : worker.running), 0);
  const outside = workers.filter(({ kind, state }) => kind === "external" && state !== "lost");
  const lost = workers.filter(({ state }) => state === "lost").length;
  const held = outside.reduce((sum, worker) => sum + worker.running, 0);
  return (
    <FigureRow
      label="Workers"
      figures={[
        { label: "Slots in use", value: slotsInUse(used, slots), below: "chunks this server runs now" },
        {
          label: "Utilisation",
          value: overview?.utilisation === null || overview === undefined ? "—" : percent(overview.utilisation),
          below: "of the slots, last 15 minutes",
        },
        { label: "Over HTTP", value: String(outside.length), below: `${plural(held, "chunk")} held` },
        { label: "Lost", value: String(lost), below: lost === 0 ? "none fell silent" : "their chunks went to others" },
      ]}
    />
  );
}
