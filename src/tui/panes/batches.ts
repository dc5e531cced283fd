import type { Batch } from "../../client/index.ts";
import { brief, compact, count } from "../../terminal/figures.ts";
import { meter, NOTHING, or, words, type Column, type Pane, type Row, type Scene } from "../pane.ts";
import { foreign, span, type Line, type Tone } from "../text.ts";

export const STATUS_TONE: Readonly<Record<Batch["status"], Tone>> = {
  pending: "soft",
  running: "busy",
  paused: "warn",
  completed: "good",
  failed: "bad",
  cancelled: "warn",
  expired: "bad",
};

const columnsAt = (width: number): readonly Column[] => [
  { title: " ", width: 1 },
  { title: "ID", width: 9, drop: 5 },
  { title: "NAME", width: "rest", least: 13 },
  { title: "STATUS", width: 9, drop: 6 },
  { title: "PROGRESS", width: barAt(width) + 5 },
  { title: "DONE", width: 11, right: true, drop: 3 },
  { title: "FAIL", width: 5, right: true, drop: 2 },
  { title: "RATE", width: 7, right: true, drop: 4 },
  { title: "LEFT", width: 9, right: true, drop: 1 },
];

const barAt = (width: number): number => (width < 90 ? 6 : 10);

/** Those that have not ended first, then the newest of the others; with a filter what it finds. */
export function batchesOf({ model: { snapshot } }: Scene, filtered = false): readonly Batch[] {
  const { active, history } = snapshot;
  if (filtered) return history.batches;
  const open = active.batches.filter((batch) => batch.completed_at === null);
  const listed = new Set(open.map(({ id }) => id));
  const known = new Set(history.batches.map(({ id }) => id));
  // What ended since the list of the newest was loaded is kept until it is in there.
  const justEnded = active.batches.filter(({ id }) => !listed.has(id) && !known.has(id));
  return [...open, ...justEnded, ...history.batches.filter(({ id }) => !listed.has(id))];
}

export function batchPane(filtered: () => boolean): Pane {
  const find = (scene: Scene): Map<string, Batch> => new Map(batchesOf(scene, filtered()).map((batch) => [batch.id, batch]));
  const by =
    (figure: (batch: Batch) => number) =>
    (scene: Scene): ((a: string, b: string) => number) => {
      const batches = find(scene);
      const of = (id: string): number => {
        const batch = batches.get(id);
        return batch === undefined ? -Infinity : figure(batch);
      };
      return (a, b) => of(b) - of(a);
    };
  return {
    id: "batches",
    digit: "2",
    title: "Batches",
    aside({ model: { snapshot } }) {
      const { active, history, stats } = snapshot;
      const all = filtered() ? `${count(history.total)} match` : `${count(active.total)} active, ${count(stats.total)} in all`;
      return words(`${all}${history.total > history.batches.length ? `, newest ${history.batches.length} listed` : ""}`, "soft");
    },
    columns: (_, width) => columnsAt(width),
    rows: (scene, width) => batchesOf(scene, filtered()).map((batch) => rowOf(batch, scene, width)),
    empty: () => (filtered() ? "No batch matches the filter" : "No batches yet: batchyard submit, or POST /api/batch/create"),
    orders: [
      { name: "active first" },
      { name: "newest", compare: by((batch) => Date.parse(batch.created_at)) },
      { name: "most failed", compare: by((batch) => batch.failed_items) },
      { name: "fastest", compare: by((batch) => batch.items_per_second ?? -1) },
      { name: "largest", compare: by((batch) => batch.total_items) },
    ],
  };
}

function rowOf(batch: Batch, { glyphs, now }: Scene, width: number): Row {
  const tone = STATUS_TONE[batch.status];
  const moving = batch.status === "running";
  return {
    key: batch.id,
    cells: [
      words(glyphs.status[batch.status], tone),
      words(batch.id.split("_").at(-1) ?? batch.id, "soft"),
      nameOf(batch),
      words(batch.status, tone),
      [span(meter(batch.progress / 100, barAt(width), glyphs), tone), span(` ${String(batch.progress).padStart(3)}%`)],
      words(`${compact(batch.processed_items)}/${compact(batch.total_items)}`),
      batch.failed_items === 0 ? words("0", "soft") : words(compact(batch.failed_items), "bad"),
      moving ? words(or(batch.items_per_second, paceOf)) : words(""),
      // Nothing is left of what does not move: its state stands there.
      moving ? words(batch.eta_at === null ? NOTHING : brief(Date.parse(batch.eta_at) - now)) : words(batch.status, tone),
    ],
  };
}

/** In the unit that leaves a figure before the point: "118/s", "3/min", "5/h" */
function paceOf(perSecond: number): string {
  if (perSecond >= 0.1 || perSecond === 0) return `${compact(perSecond)}/s`;
  return perSecond * 60 >= 0.5 ? `${compact(perSecond * 60)}/min` : `${compact(perSecond * 3_600)}/h`;
}

function nameOf({ name, stream, key, operation }: Batch): Line {
  if (name !== null) return words(foreign(name));
  return words(foreign(stream === null ? operation : `${stream} ${key ?? ""}`), "soft");
}
