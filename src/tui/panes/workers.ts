import { brief, bytes, compact, count } from "../../terminal/figures.ts";
import { meter, NOTHING, or, words, type Column, type Pane, type Scene } from "../pane.ts";
import type { Snapshot } from "../snapshot.ts";
import { foreign, span, type Line } from "../text.ts";

type Worker = Snapshot["overview"]["workers"][number];

const SLOTS = 8;
/** Below it the slots are said, not drawn: who it is comes first. */
const METER_COLUMNS = 50;
const columnsAt = (width: number): readonly Column[] => [
  { title: "WORKER", width: "rest" },
  { title: "STATE", width: 10 },
  { title: "SLOTS", width: width < METER_COLUMNS ? 8 : SLOTS + 8 },
  { title: "MEMORY", width: 8, right: true, drop: 2 },
  { title: "CHUNKS", width: 7, right: true, drop: 3 },
  { title: "SEEN", width: 6, right: true, drop: 1 },
];

/** Who runs chunks. */
export const workerPane: Pane = {
  id: "workers",
  digit: "3",
  title: "Workers",
  aside({ model }) {
    const { workers } = model.snapshot.overview;
    const states = (["live", "draining", "lost"] as const).flatMap((state): Line[] => {
      const found = workers.filter((worker) => worker.state === state).length;
      return found === 0 ? [] : [words(`${count(found)} ${state}`, state === "lost" ? "bad" : state === "draining" ? "warn" : "soft")];
    });
    return states.length === 0 ? words("none", "bad") : states.flatMap((state, n) => (n === 0 ? state : [span(", ", "soft"), ...state]));
  },
  columns: (_, width) => columnsAt(width),
  rows: (scene, width) =>
    scene.model.snapshot.overview.workers.map((worker) => ({
      key: worker.id,
      cells: [
        words(foreign(worker.id)),
        stateOf(worker, scene),
        slotsOf(worker, scene, width),
        words(or(worker.memory?.rss_bytes, bytes), worker.memory === null ? "soft" : "plain"),
        words(or(worker.chunks_done, compact), worker.chunks_done === null ? "soft" : "plain"),
        words(
          worker.last_seen === null
            ? NOTHING
            : worker.kind === "local"
              ? "here"
              : brief(Math.max(0, scene.now - Date.parse(worker.last_seen))),
          "soft",
        ),
      ],
    })),
  empty: () => "No worker: batchyard serve --workers 4",
  orders: [{ name: "as known" }],
};

function stateOf(worker: Worker, { glyphs }: Scene): Line {
  if (worker.state === "lost") return [span(`${glyphs.status.failed} lost`, "bad")];
  if (worker.state === "draining") return [span(`${glyphs.status.paused} draining`, "warn")];
  if (worker.status === "off") return [span(`${glyphs.status.cancelled} off`, "soft")];
  return worker.running > 0 ? [span(`${glyphs.dot} busy`, "busy")] : [span(`${glyphs.ring} idle`, "soft")];
}

function slotsOf({ slots, running }: Worker, { glyphs }: Scene, width: number): Line {
  if (slots === null) return words(`${running} held`);
  if (width < METER_COLUMNS) return words(inUse(running, slots));
  const cells =
    slots <= SLOTS
      ? glyphs.bar.full.repeat(Math.min(running, slots)) + glyphs.bar.empty.repeat(Math.max(0, slots - running))
      : meter(running / slots, SLOTS, glyphs);
  return [span(cells.padEnd(SLOTS), "busy"), span(` ${inUse(running, slots)}`)];
}

/** Chunks run beyond the slots rather than wait behind others of lower priority: "4 of 4 +2". */
function inUse(running: number, slots: number): string {
  return running > slots ? `${slots} of ${slots} +${running - slots}` : `${running} of ${slots}`;
}
