import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { operationsQuery } from "../../data/queries.ts";
import { Awaited } from "../../parts/notice.tsx";
import { useBack } from "../../shell/back.ts";
import { PageTitle } from "../../shell/page-title.tsx";
import { NewBatchForm } from "./new-batch-form.tsx";

export function NewBatchPage(): ReactElement {
  const { data, error, refetch } = useQuery(operationsQuery);
  useBack("/batches", "Back to the list");
  return (
    <>
      <PageTitle
        title="New batch"
        above={
          <Link to="/batches" className="text-sm text-soft hover:text-ink">
            Batches
          </Link>
        }
      />
      {data === undefined ? (
        <Awaited error={error} lines={6} label="Loading operations" retry={() => void refetch()} />
      ) : (
        <NewBatchForm operations={data.operations} runOptions={data.runOptions} />
      )}
    </>
  );
}
