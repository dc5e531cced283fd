/**
 * What is counted by the time it happened. A source is `operation:<name>` or `stream:<name>`, `key:<stream>/<key>` for one key of a
 * stream, or `runs:<stream>`: of what counts for their operations, the part of the batches that this stream made; a reason of closing or a category of failure or retry follows its metric after a dot.
 *
 * Metrics: items.received, items.succeeded, items.failed, items.retried, retries, failures, batches.created, batches.started, batches.completed, batches.failed, batches.cancelled, batches.expired, batches.reprocessed, chunks.lost, windows.opened, windows.closed, windows.items, dead_letters.
 */

/**
 * What is measured, as distributions. Milliseconds: wait (creation → start), run (start → end), total (creation → end; of a
 * window: opening → end of its batch), age (opening → closing), lag (due → closing); items: items of a closed window.
 */
export const FLOW_MEASURES = ["wait", "run", "total", "age", "lag", "items"] as const;
export type FlowMeasure = (typeof FLOW_MEASURES)[number];

/** Gauges that are sampled, under the names of the catalogue of metrics: `gauge.<name>`, with a second label `gauge.<name>.<its value>`. */
export type GaugeMeasure = `gauge.${string}`;

export const sourceOf = {
  operation: (name: string): string => `operation:${name}`,
  stream: (name: string): string => `stream:${name}`,
  /** A gauge of one thing; of the whole tenant without a name. */
  gauge: (name = ""): string => `gauge:${name}`,
  /** The batches that a stream made. */
  runs: (stream: string): string => `runs:${stream}`,
  key: (stream: string, key: string): string => `key:${stream}/${key}`,
};
