import { useState, type ReactElement } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { Batch, BatchItemResult } from "batchyard/client";
import { resultsQuery } from "../../data/queries.ts";
import { duration } from "../../figures/duration.ts";
import { plural } from "../../figures/number.ts";
import { Awaited } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Payload } from "./payload.tsx";

const TABS = [
  { items: undefined, label: "All" },
  { items: "succeeded", label: "Succeeded" },
  { items: "failed", label: "Failed" },
] as const;

/** What came of the items; what an item is and gave is loaded when it is opened. */
export function ResultList({ batch }: { batch: Batch }): ReactElement {
  const { items, error: wanted } = useSearch({ from: "/batches/$id" });
  const navigate = useNavigate();
  const [nodeId, setNodeId] = useState("");
  const filter = {
    ...(items === undefined ? {} : { success: items === "succeeded" }),
    ...(wanted === undefined ? {} : { error: wanted }),
    ...(nodeId === "" ? {} : { nodeId }),
  };
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(resultsQuery(batch.id, filter));
  const rows = data?.pages.flatMap((page) => page.batch.results) ?? [];
  return (
    <Section
      title="Results"
      aside={
        <nav aria-label="Which results" className="flex gap-1">
          {TABS.map((tab) => (
            <Link
              key={tab.label}
              to="/batches/$id"
              params={{ id: batch.id }}
              search={tab.items === undefined ? {} : { items: tab.items }}
              resetScroll={false}
              aria-current={tab.items === items}
              className={`rounded-sm px-2 py-0.5 ${tab.items === items ? "bg-wash font-medium text-ink" : "hover:text-ink"}`}
            >
              {tab.label}
            </Link>
          ))}
        </nav>
      }
    >
      <div id="results" className="flex flex-wrap items-center gap-3">
        <form
          className="w-full sm:w-72"
          onSubmit={(event) => {
            event.preventDefault();
            const value = new FormData(event.currentTarget).get("key");
            setNodeId(typeof value === "string" ? value.trim() : "");
          }}
        >
          <input name="key" type="search" className="field" aria-label="Key of an item" placeholder="Key of an item" />
        </form>
        {wanted === undefined ? null : (
          <button
            type="button"
            className="button"
            onClick={() => void navigate({ to: "/batches/$id", params: { id: batch.id }, search: items === undefined ? {} : { items } })}
          >
            Drop the filter “{wanted.slice(0, 60)}”
          </button>
        )}
      </div>
      {data === undefined ? (
        <Awaited error={error} lines={5} label="Loading results" retry={() => void refetch()} />
      ) : rows.length === 0 ? (
        <p className="text-soft">{batch.processed_items === 0 ? "No item has ended yet." : "No result matches."}</p>
      ) : (
        <>
          <Wide sideways label="Results">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Item</th>
                  <th scope="col">Outcome</th>
                  <th scope="col" className="hidden md:table-cell">
                    Error
                  </th>
                  <th scope="col" className="number">
                    Took
                  </th>
                  <th scope="col" className="number hidden md:table-cell">
                    Retries
                  </th>
                  <th scope="col" className="number hidden md:table-cell">
                    Score
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((result) => (
                  <ResultRow key={result.nodeId} batchId={batch.id} result={result} />
                ))}
              </tbody>
            </table>
          </Wide>
          {hasNextPage ? (
            <button type="button" className="button self-start" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              25 more
            </button>
          ) : null}
        </>
      )}
    </Section>
  );
}

function ResultRow({ batchId, result }: { batchId: string; result: BatchItemResult }): ReactElement {
  const [open, setOpen] = useState(false);
  return (
    <>
      <tr>
        <th scope="row" className="w-full max-w-0 text-left whitespace-normal! md:w-auto md:max-w-none">
          <button
            type="button"
            aria-expanded={open}
            className="link max-w-full truncate text-left md:max-w-64 font-mono text-sm"
            onClick={() => setOpen(!open)}
          >
            {result.nodeId}
          </button>
          {result.error === undefined && result.retries === 0 ? null : (
            <span className="line-clamp-2 text-xs font-normal break-words text-soft md:hidden">
              {result.error}
              {result.retries > 0 ? ` after ${plural(result.retries, "retry", "retries")}` : ""}
            </span>
          )}
        </th>
        <td>
          <Status
            look={result.success ? { word: "Succeeded", icon: "check", tone: "good" } : { word: "Failed", icon: "cross", tone: "bad" }}
          />
        </td>
        <td className="hidden w-full max-w-0 min-w-40 truncate text-soft md:table-cell" title={result.error}>
          {result.error ?? ""}
        </td>
        <td className="number">{result.durationMs === undefined ? "—" : duration(result.durationMs)}</td>
        <td className="number hidden md:table-cell">{result.retries}</td>
        <td className="number hidden md:table-cell">{result.qualityScore?.toFixed(2) ?? "—"}</td>
      </tr>
      {open ? (
        <tr>
          <td colSpan={6} className="bg-wash p-0!">
            <Payload batchId={batchId} nodeId={result.nodeId} />
          </td>
        </tr>
      ) : null}
    </>
  );
}
