import type { Batch } from "../../client/index.ts";
import { brief, compact, count } from "../../terminal/figures.ts";
import { meter, NOTHING, or, words, type Column, type Pane, type Scene } from "../pane.ts";
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

/** From here on the state has a column of its own. */
const STATUS_COLUMNS = 83;
const barAt = (width: number): number => (width < 90 ? 6 : 10);

/** Those that have not ended first, then the newest of the others; `flat`: as the server lists them, by a filter or in an order. */
export function batchesOf({ model: { snapshot, older } }: Scene, flat = false): readonly Batch[] {
  const { active, history } = snapshot;
  const all = older.batches.length === 0 ? history.batches : [...history.batches, ...older.batches];
  if (flat) return all;
  const open = active.batches.filter((batch) => batch.completed_at === null);
  const listed = new Set(open.map(({ id }) => id));
  const known = new Set(all.map(({ id }) => id));
  // What ended since the list of the newest was loaded is kept until it is in there.
  const justEnded = active.batches.filter(({ id }) => !listed.has(id) && !known.has(id));
  return [...open, ...justEnded, ...all.filter(({ id }) => !listed.has(id))];
}

/** How the list of batches was asked for. */
export interface Listing {
  readonly filtered: boolean;
  readonly sorted: boolean;
}

export function batchPane(listing: () => Listing): Pane {
  return {
    id: "batches",
    digit: "2",
    title: "Batches",
    aside({ model: { snapshot, older } }) {
      const { active, history, stats } = snapshot;
      const { filtered, sorted } = listing();
      const all = filtered
        ? `${count(history.total)}${history.totalIsExact ? "" : "+"} match`
        : `${count(active.total)} active, ${count(stats.total)} in all`;
      const listed = history.batches.length + older.batches.length;
      return words(`${all}${history.total > listed ? `, ${sorted ? "first" : "newest"} ${count(listed)} listed` : ""}`, "soft");
    },
    columns: (_, width) => columnsAt(width),
    rows: (scene, width) => {
      const { filtered, sorted } = listing();
      return batchesOf(scene, filtered || sorted).map((batch) => ({
        key: batch.id,
        get cells() {
          return cellsOf(batch, scene, width);
        },
      }));
    },
    empty: () => (listing().filtered ? "No batch matches the filter" : "No batches yet: batchyard submit, or POST /api/batch/create"),
    orders: [
      { name: "active first" },
      { name: "newest", sorting: {} },
      { name: "ended last", sorting: { sort: "completed" } },
      { name: "most failed", sorting: { sort: "failed" } },
      { name: "largest", sorting: { sort: "items" } },
      { name: "longest", sorting: { sort: "duration" } },
    ],
  };
}

function cellsOf(batch: Batch, { glyphs, now }: Scene, width: number): readonly Line[] {
  const tone = STATUS_TONE[batch.status];
  const moving = batch.status === "running";
  return [
    words(glyphs.status[batch.status], tone),
    words(foreign(batch.id.split("_").at(-1) ?? batch.id), "soft"),
    nameOf(batch),
    words(batch.status, tone),
    [
      span(meter(batch.progress / 100, barAt(width), glyphs), batch.status === "completed" ? "soft" : tone),
      span(` ${String(batch.progress).padStart(3)}%`),
    ],
    words(`${compact(batch.processed_items)}/${compact(batch.total_items)}`),
    batch.failed_items === 0 ? words("0", "soft") : words(compact(batch.failed_items), "bad"),
    moving ? words(or(batch.items_per_second, paceOf)) : words(""),
    // Nothing is left of what does not move: its state stands there, or when it ended.
    moving
      ? words(batch.eta_at === null ? NOTHING : brief(Date.parse(batch.eta_at) - now))
      : width < STATUS_COLUMNS
        ? words(batch.status, tone)
        : words(batch.completed_at === null ? "" : `${brief(Math.max(0, now - Date.parse(batch.completed_at)))} ago`, "soft"),
  ];
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
