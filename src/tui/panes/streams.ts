import { brief, compact, count } from "../../terminal/figures.ts";
import { NOTHING, or, words, type Column, type Pane, type Scene } from "../pane.ts";
import type { Snapshot } from "../snapshot.ts";
import { foreign, span, type Line } from "../text.ts";

type Stream = Snapshot["overview"]["streams"][number];

const COLUMNS: readonly Column[] = [
  { title: "STREAM", width: "rest" },
  { title: "WINDOWS", width: 7, right: true },
  { title: "ITEMS", width: 7, right: true },
  { title: "OLDEST", width: 7, right: true },
  { title: "IN/MIN", width: 7, right: true, drop: 1 },
  { title: "CLOSED/M", width: 8, right: true, drop: 2 },
  { title: "WAIT P95", width: 8, right: true, drop: 3 },
  { title: "FAIL", width: 6, right: true, drop: 4 },
];

const streamsOf = ({ model }: Scene): readonly Stream[] => model.snapshot.overview.streams;

const by =
  (figure: (stream: Stream) => number) =>
  (scene: Scene): ((a: string, b: string) => number) => {
    const found = new Map(streamsOf(scene).map((stream) => [stream.name, figure(stream)]));
    return (a, b) => (found.get(b) ?? 0) - (found.get(a) ?? 0);
  };

/** Streams with their open windows. */
export const streamPane: Pane = {
  id: "streams",
  digit: "1",
  title: "Streams",
  aside(scene) {
    const { collect } = Object.fromEntries(scene.model.snapshot.overview.stages.map((stage) => [stage.stage, stage]));
    return words(collect === undefined ? "" : `${count(collect.now)} open window${collect.now === 1 ? "" : "s"}`, "soft");
  },
  columns: () => COLUMNS,
  rows: (scene) =>
    streamsOf(scene).map((stream) => ({
      key: stream.name,
      cells: [
        words(foreign(stream.name)),
        quiet(stream.open_windows),
        quiet(stream.open_items),
        words(
          or(stream.oldest_seconds, (seconds) => brief(seconds * 1000)),
          stream.oldest_seconds === null ? "soft" : "plain",
        ),
        quiet(stream.items_per_minute),
        quiet(stream.closures_per_minute),
        words(
          or(stream.wait_p95_seconds, (seconds) => brief(seconds * 1000)),
          stream.wait_p95_seconds === null ? "soft" : "plain",
        ),
        failing(stream.failure_percent),
      ],
    })),
  empty: () => "No streams: PUT /api/streams/<name>",
  orders: [
    { name: "by name" },
    { name: "most open items", compare: by((stream) => stream.open_items) },
    { name: "busiest", compare: by((stream) => stream.items_per_minute) },
  ],
};

function quiet(value: number): Line {
  return words(compact(value), value === 0 ? "soft" : "plain");
}

export function failing(percent: number | null): Line {
  if (percent === null) return words(NOTHING, "soft");
  return [span(`${compact(percent)}%`, percent === 0 ? "soft" : percent < 5 ? "warn" : "bad")];
}
