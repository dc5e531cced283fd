import { happeningsOf } from "./happenings.ts";
import { NO_OLDER } from "./older.ts";
import { headOf, rowOf, type Pane, type Scene } from "./pane.ts";
import { dayLines } from "./panels/day.ts";
import { dayLine, kpiLines, verdictLine } from "./panels/header.ts";
import { performanceLines, queueLines } from "./panels/flow.ts";
import { systemLines } from "./panels/system.ts";
import type { RunOptions } from "./options.ts";
import { panesOf } from "./panes/all.ts";
import { painted, type Palette } from "./palette.ts";
import type { Snapshot } from "./snapshot.ts";
import { foreign, span, widthOf, type Line } from "./text.ts";

const ROWS = 10;
/** The sign before the verdict, `● live` and the clock behind it. */
const PILL = 30;

/** The dashboard where nobody presses keys. */
export function plainFrame(
  snapshot: Snapshot,
  { palette, filterText, width, now }: Pick<RunOptions, "palette" | "filterText"> & { width: number; now: number },
): string {
  const model = {
    snapshot,
    older: NO_OLDER,
    events: happeningsOf(snapshot.events.events),
    connection: { kind: "live" as const },
    heardAt: now,
  };
  return plainText(
    { model, glyphs: palette.glyphs, now },
    panesOf(() => ({ filtered: filterText !== "", sorted: false })),
    palette,
    width,
  );
}

/** Every panel one after the other, as lines of plain text. */
function plainText(scene: Scene, panes: readonly Pane[], palette: Palette, width: number): string {
  const lines: Line[] = [
    // Whole, however long: it is what a log is read for.
    verdictLine(scene, false, Math.max(width, widthOf(foreign(scene.model.snapshot.overview.verdict)) + PILL)),
    dayLine(scene, width),
    [],
    ...kpiLines(scene, width, 6),
    [],
    titleOf("24 hours", []),
    ...dayLines(scene, width, ROWS),
    ...panes.flatMap((pane) => [[], titleOf(`${pane.title}`, pane.aside(scene)), ...listOf(pane, scene, width)]),
    [],
    titleOf("Queue and throughput", []),
    ...queueLines(scene, width, ROWS + 2),
    [],
    titleOf("Performance", []),
    ...performanceLines(scene, width, ROWS + 2),
    [],
    titleOf("System", []),
    ...systemLines(scene, width, ROWS + 2),
  ];
  return lines.map((line) => `${painted(line, palette).trimEnd()}\n`).join("");
}

function titleOf(title: string, aside: Line): Line {
  return [span(title, "strong"), span("  "), ...aside];
}

function listOf(pane: Pane, scene: Scene, width: number): Line[] {
  const rows = pane.rows(scene, width);
  if (rows.length === 0) return [[span(pane.empty(scene), "soft")]];
  const columns = pane.columns(scene, width);
  const more = rows.length > ROWS ? [[span(`and ${rows.length - ROWS} more`, "soft")]] : [];
  return [headOf(columns, width), ...rows.slice(0, ROWS).map((row) => rowOf(columns, row, width)), ...more];
}
