import { brief, compact } from "../../terminal/figures.ts";
import { headOf, or, rowOf, words, type Column, type Scene } from "../pane.ts";
import { failing } from "../panes/streams.ts";
import type { Snapshot } from "../snapshot.ts";
import { fitLine, foreign, span, wrapped, type Line, type Tone } from "../text.ts";

const HEALTH_TONE: Readonly<Record<string, Tone>> = { healthy: "good", warning: "warn", critical: "bad" };

const QUEUE_COLUMNS: readonly Column[] = [
  { title: "QUEUE", width: "rest" },
  { title: "WAITS", width: 6, right: true },
  { title: "RUNS", width: 6, right: true },
  { title: "ITEMS/M", width: 7, right: true },
  { title: "ENDED/M", width: 7, right: true, drop: 2 },
  { title: "DRAINED", width: 7, right: true, drop: 1 },
];

/** Batches that wait and run, by operation, and how fast they go. */
export function queueLines(scene: Scene, width: number, height: number): Line[] {
  const { overview, queues } = scene.model.snapshot;
  const { total_queued, total_running, total_workers, backpressure } = queues.summary;
  const full =
    backpressure.state === "normal"
      ? []
      : [span(`  ${backpressure.state}: ${backpressure.waiting} of ${backpressure.max_size} wait`, "warn")];
  const summary: Line = fitLine(
    [span(`${compact(total_queued)} wait, ${compact(total_running)} run on ${compact(total_workers)} slots`), ...full],
    width,
  );
  const rows = queues.queues.map((queue) => {
    const more = overview.queues.find(({ name }) => name === queue.name);
    return {
      key: queue.name,
      cells: [
        [span(`${scene.glyphs.dot} `, HEALTH_TONE[queue.status] ?? "plain"), span(foreign(queue.name))],
        words(compact(queue.depth)),
        words(compact(queue.running)),
        words(or(more?.items_per_minute, compact)),
        words(or(more?.batches_per_minute, compact)),
        words(or(more?.drain_seconds, (seconds) => (seconds === 0 ? "now" : brief(seconds * 1000)))),
      ],
    };
  });
  if (rows.length === 0) return [summary, ...note("Nothing has been queued yet", width)].slice(0, height);
  return [summary, headOf(QUEUE_COLUMNS, width), ...rows.map((row) => rowOf(QUEUE_COLUMNS, row, width))].slice(0, height);
}

const STAGE_COLUMNS: readonly Column[] = [
  { title: "STAGE", width: "rest" },
  { title: "NOW", width: 5, right: true, drop: 1 },
  { title: "P50", width: 7, right: true },
  { title: "P95", width: 7, right: true },
  { title: "P99", width: 7, right: true, drop: 2 },
  { title: "FAIL", width: 6, right: true, drop: 3 },
  { title: "BEFORE", width: 6, right: true, drop: 4 },
];

const LATENCIES: readonly {
  name: string;
  stage: string | null;
  of: keyof Pick<Snapshot["latency"], "detect_to_batch" | "batch_to_analyze" | "total_pipeline">;
}[] = [
  { name: "to batch", stage: "collect", of: "detect_to_batch" },
  { name: "to result", stage: "run", of: "batch_to_analyze" },
  { name: "in all", stage: null, of: "total_pipeline" },
];

/** How long each stage takes, and what fails in it: the overview's stages, and the measured way from item to result. */
export function performanceLines(scene: Scene, width: number, height: number): Line[] {
  const { overview, latency } = scene.model.snapshot;
  const time = (seconds: number | null): Line =>
    words(
      or(seconds, (value) => brief(value * 1000)),
      seconds === null ? "soft" : "plain",
    );
  const stages = overview.stages.map((stage) => ({
    key: stage.stage,
    cells: [
      words(stage.stage),
      words(compact(stage.now)),
      words(""),
      time(stage.p95_seconds),
      words(""),
      failing(stage.failure_percent),
      failing(stage.failure_percent_before),
    ],
  }));
  const ways = LATENCIES.map(({ name, of }) => {
    const figures = latency[of];
    const ms = (value: number | undefined): Line => words(or(value, brief), value === undefined ? "soft" : "plain");
    return {
      key: name,
      cells: [words(name), words(""), ms(figures?.p50_ms), ms(figures?.p95_ms), ms(figures?.p99_ms), words(""), words("")],
    };
  });
  const lines = [headOf(STAGE_COLUMNS, width), ...[...stages, ...ways].map((row) => rowOf(STAGE_COLUMNS, row, width))];
  const { bottleneck } = overview;
  const said = bottleneck === null ? [] : wrapped(foreign(bottleneck.sentence), width).map((text) => fitLine([span(text, "soft")], width));
  return [...lines, ...said].slice(0, height);
}

function note(text: string, width: number): Line[] {
  return wrapped(text, width).map((line) => fitLine([span(line, "soft")], width));
}
