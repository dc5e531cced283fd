import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ClientError } from "batchyard/client";
import { batchQuery } from "../../data/queries.ts";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { BatchStatusMark } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { useBack } from "../../shell/back.ts";
import { PageTitle } from "../../shell/page-title.tsx";
import { BatchActions } from "./batch-actions.tsx";
import { BatchProgress } from "../../parts/batch-progress.tsx";
import { BatchTimeline } from "./batch-timeline.tsx";
import { ChunkGrid } from "./chunk-grid.tsx";
import { ErrorGroups } from "./error-groups.tsx";
import { Facts } from "./facts.tsx";
import { Figures } from "./figures.tsx";
import { Lifecycle } from "./lifecycle.tsx";
import { Lineage } from "./lineage.tsx";
import { Quality } from "./quality.tsx";
import { ResultList } from "./result-list.tsx";
import { WhyNotDone } from "./why-not-done.tsx";
import { isOpen } from "../../parts/batch-state.ts";

/** One batch: how far it is, what went wrong, what can be done about it. */
export function BatchPage(): ReactElement {
  const { id } = useParams({ from: "/batches/$id" });
  const { data: batch, error, refetch } = useQuery(batchQuery(id));
  useBack("/batches", "Back to the list");
  if (batch === undefined)
    return (
      <>
        <PageTitle title={error === null ? "Batch" : "Batch not shown"} above={<Back />} />
        {error === null ? (
          <Loading lines={8} label="Loading the batch" />
        ) : error instanceof ClientError && error.code === "batch_removed" ? (
          <Empty title="This batch was removed">{error.message}</Empty>
        ) : error instanceof ClientError && error.status === 404 ? (
          <Empty title="There is no such batch">
            <code>{id}</code> was never here, or was removed: final batches go by <code>cleanup</code> and by the retention settings.
          </Empty>
        ) : (
          <Fault error={error} retry={() => void refetch()} />
        )}
      </>
    );
  return (
    <>
      <PageTitle
        title={batch.name ?? batch.id}
        above={<Back />}
        below={
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
            <BatchStatusMark status={batch.status} />
            <span>{batch.operation}</span>
            <code>{batch.id}</code>
            <span>
              created <Time at={batch.created_at} />
            </span>
          </span>
        }
        actions={<BatchActions batch={batch} />}
      />
      <div className="flex flex-col gap-10">
        <BatchProgress batch={batch} />
        <Lifecycle batch={batch} />
        <Lineage batch={batch} />
        {batch.error === null ? null : <p className="border-l-2 border-bad pl-3">{batch.error}</p>}
        {isOpen(batch) ? <WhyNotDone id={id} /> : null}
        <Figures batch={batch} />
        {batch.failed_items > 0 ? <ErrorGroups batch={batch} /> : null}
        <div className="grid gap-x-10 gap-y-10 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
          <BatchTimeline id={id} />
          <ChunkGrid batch={batch} />
        </div>
        <Quality id={id} />
        <ResultList batch={batch} />
        <Facts batch={batch} />
      </div>
    </>
  );
}

function Back(): ReactElement {
  return (
    <Link to="/batches" className="text-sm text-soft hover:text-ink">
      Batches
    </Link>
  );
}
