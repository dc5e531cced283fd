import { brief, clock, compact, count } from "../../terminal/figures.ts";
import { NOTHING, or, sparkline, type Scene } from "../pane.ts";
import type { Snapshot } from "../snapshot.ts";
import { apart, cut, fit, fitLine, foreign, joined, span, widthOf, type Line, type Tone } from "../text.ts";

type Tile = Snapshot["overview"]["tiles"][number];

const HEALTH_TONE: Readonly<Record<Snapshot["overview"]["health"]["status"], Tone>> = { healthy: "good", warning: "warn", critical: "bad" };
/** Without a word for so long the figures are called old, although nobody has hung up. */
const SILENT_MS = 5_000;

/** `● Healthy: 12 batches end a minute …                 ● live  12:03:04` */
export function verdictLine(scene: Scene, frozen: boolean, width: number): Line {
  const { model, glyphs } = scene;
  const { health, verdict } = model.snapshot.overview;
  const tone = HEALTH_TONE[health.status];
  const said = foreign(verdict);
  const colon = said.indexOf(":");
  const first = /^[A-Z][a-z]+$/.test(said.slice(0, colon)) ? colon : -1;
  const sentence: Line = [
    span(`${glyphs.dot} `, tone),
    span(first > 0 ? said.slice(0, first) : health.status, "strong"),
    span(first > 0 ? said.slice(first) : `: ${said}`),
  ];
  // Nobody knows whether it still is so.
  const known = model.connection.kind === "live" ? sentence : sentence.map(({ text }) => span(text, "soft"));
  return apart(known, [span("  "), ...pillOf(scene, frozen), span(`  ${clock(scene.now)}`, "soft")], width);
}

function pillOf({ model: { connection, heardAt }, glyphs, now }: Scene, frozen: boolean): Line {
  if (connection.kind === "lost") {
    const next = Math.max(0, connection.retryAt - now);
    return [
      span(
        `${glyphs.ring} offline ${brief(whole(now - connection.since))}, next try ${next === 0 ? "now" : `in ${brief(whole(next))}`}`,
        "bad",
      ),
    ];
  }
  if (connection.kind === "ended")
    return [span(`${glyphs.ring} ended ${brief(whole(now - connection.since))} ago: ${cut(foreign(connection.message), 40)}`, "bad")];
  if (frozen) return [span(`${glyphs.status.paused} frozen`, "warn")];
  if (now - heardAt > SILENT_MS) return [span(`${glyphs.ring} silent ${brief(whole(now - heardAt))}`, "warn")];
  return [span(`${glyphs.dot} live`, "good")];
}

const whole = (ms: number): number => Math.ceil(ms / 1_000) * 1_000;

/** `24 h  1,204 batches (3 failed)  98,201 items in, 98,100 done …  99.8 % success` */
export function dayLine({ model, glyphs }: Scene, width: number): Line {
  const { day } = model.snapshot.overview;
  const gap = span(`  ${glyphs.divider}  `, "soft");
  const created = day.batches["created"] ?? 0;
  const success = day.item_success_percent;
  const parts: Line[] = [
    [span(count(created), "strong"), span(created === 1 ? " batch" : " batches"), ...failedOf(day.batches["failed"] ?? 0)],
    [span(count(day.items.succeeded + day.items.failed), "strong"), span(" items"), ...failedOf(day.items.failed)],
    [
      span(success === null ? NOTHING : `${percent(success)} %`, success === null ? "soft" : success < 95 ? "warn" : "good"),
      span(" success"),
    ],
    [span(count(day.windows.closed), "strong"), span(day.windows.closed === 1 ? " window" : " windows")],
    [
      span(
        or(day.total_p95_seconds, (seconds) => brief(seconds * 1000)),
        "strong",
      ),
      span(" p95 in all"),
    ],
  ];
  return fitLine([span("24 h  ", "soft"), ...joined(parts, gap, width - 6)], width);
}

function failedOf(failed: number): Line {
  return failed === 0 ? [] : [span(` (${count(failed)} failed)`, "bad")];
}

/** 99.95 stays below 100. */
function percent(value: number): string {
  return value === 100 || value === 0 ? String(value) : Math.min(99.9, value).toFixed(1);
}

/** The six figures, in this order. */
const KPIS: readonly { name: string; label: string; short: string }[] = [
  { name: "items_done", label: "ITEMS DONE", short: "ITEMS" },
  { name: "batches_ended", label: "BATCHES ENDED", short: "BATCHES" },
  { name: "batches_open", label: "BATCHES OPEN", short: "OPEN" },
  { name: "wait_p95", label: "WAIT P95", short: "WAIT P95" },
  { name: "failures", label: "FAILURES", short: "FAILED" },
  { name: "windows_closed", label: "WINDOWS CLOSED", short: "WINDOWS" },
];

/** Six cells beside each other, or three above three where there is little width: label, figure, course of 15 minutes. */
export function kpiLines(scene: Scene, width: number, height: number): Line[] {
  const across = width < 60 ? 3 : 6;
  const wide = Math.floor((width - 2 * (across - 1)) / across);
  const cells = KPIS.map(({ name, label, short }) => {
    const tile = scene.model.snapshot.overview.tiles.find((each) => each.name === name);
    return {
      label: fit(wide < widthOf(label) ? short : label, wide),
      figure: fit(tile === undefined ? NOTHING : written(tile), wide),
      tone: toneOf(tile),
      course: fit(tile === undefined ? "" : sparkline(tile.sparkline, wide, scene.glyphs), wide),
    };
  });
  const lines: Line[] = [];
  for (let at = 0; at < cells.length; at += across) {
    const row = cells.slice(at, at + across);
    const spread = (of: (cell: (typeof cells)[number]) => Line[number]): Line =>
      fitLine(
        row.flatMap((cell, n) => (n === 0 ? [of(cell)] : [span("  "), of(cell)])),
        width,
      );
    lines.push(
      spread((cell) => span(cell.label, "soft")),
      spread((cell) => span(cell.figure, cell.tone)),
    );
    if (height >= (cells.length / across) * 3) lines.push(spread((cell) => span(cell.course, "busy")));
  }
  return lines;
}

function toneOf(tile: Tile | undefined): Tone {
  if (tile === undefined || tile.value === null) return "soft";
  if (tile.name === "failures") return tile.value === 0 ? "good" : tile.value < 5 ? "warn" : "bad";
  return "strong";
}

function written({ value, unit }: Tile): string {
  if (value === null) return NOTHING;
  switch (unit) {
    case "per_minute":
      return `${compact(value)}/min`;
    case "percent":
      return `${compact(value)} %`;
    case "seconds":
      return brief(value * 1000);
    case "batches":
      return count(value);
  }
}
