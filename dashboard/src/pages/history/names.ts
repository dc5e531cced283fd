import { duration } from "../../figures/duration.ts";
import { bytes, compact, money, percent, rate } from "../../figures/number.ts";
import type { MetricInfo } from "./queries.ts";

/** Where the name alone does not say it. */
const TITLES: Readonly<Record<string, string>> = {
  batches_total: "Steps of batches",
  batch_wait_seconds: "Wait before a batch starts",
  batch_run_seconds: "Run time of batches",
  batch_total_seconds: "Batches, end to end",
  batches: "Batches that are not final",
  model_standard_usd_total: "Standard price of requests",
  model_paid_usd_total: "Paid for requests",
  stream_items_received_total: "Items received by streams",
  window_items_total: "Items in closed windows",
};

/** `item_retries_total` → "Item retries" */
export function titleOf(metric: string): string {
  const known = TITLES[metric];
  if (known !== undefined) return known;
  const words = metric
    .replace(/_total$/, "")
    .replace(/_(seconds|bytes|usd|ratio)$/, "")
    .replaceAll("_", " ");
  return (words.charAt(0).toUpperCase() + words.slice(1)).replace(" p99", ", p99");
}

export function formatOf(unit: MetricInfo["unit"]): (value: number) => string {
  switch (unit) {
    case "seconds":
      return (value) => duration(value * 1000);
    case "bytes":
      return bytes;
    case "usd":
      return money;
    case "ratio":
      return percent;
    case "count":
      return (value) => (Math.abs(value) < 100 ? rate(value) : compact(value));
  }
}

export const GROUP_NAMES: Readonly<Record<MetricInfo["group"], string>> = {
  intake: "Coming in",
  windows: "Windows",
  queue: "Waiting",
  run: "Running",
  workers: "Workers",
  events: "Event streams",
  money: "Money",
  self: "The server itself",
};
