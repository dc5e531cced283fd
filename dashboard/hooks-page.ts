/** A page of somebody's own, made of the hooks: bundled and run in a browser by test/browser/snippets.test.ts. */
import { createElement, type ReactElement } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "batchyard/client";
import { BatchyardProvider, useBatch, useBatchStatistics, useRealtimeBatchMonitoring } from "batchyard/react";

const root = document.getElementById("root");
const id = new URLSearchParams(location.search).get("batch") ?? "";

function Statistics(): ReactElement {
  const { stats, isLive } = useBatchStatistics();
  return createElement("p", { id: "statistics" }, stats === null ? "loading" : `${isLive ? "live" : "not live"}: ${stats.total} batches`);
}

function Newest(): ReactElement {
  const { batches } = useRealtimeBatchMonitoring({ limit: 3 });
  const rows = batches.map((batch) =>
    createElement("li", { key: batch.id }, `${batch.name ?? batch.id} ${batch.status} ${batch.progress} %`),
  );
  return createElement("ul", { id: "newest" }, rows);
}

function One(): ReactElement {
  const { batch, isLoading, error } = useBatch(id);
  const text =
    error?.message ??
    (isLoading || batch === null ? "loading" : `${batch.status} ${batch.progress} %: ${batch.succeeded_items} of ${batch.total_items}`);
  return createElement("p", { id: "one" }, text);
}

if (root !== null)
  createRoot(root).render(
    createElement(
      BatchyardProvider,
      { client: createClient({ url: location.origin }) },
      createElement(Statistics),
      createElement(Newest),
      createElement(One),
    ),
  );
