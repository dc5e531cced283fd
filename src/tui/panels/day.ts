import { brief, compact, count } from "../../terminal/figures.ts";
import { or, type Scene } from "../pane.ts";
import { fit, fitLine, joined, span, type Line, type Tone } from "../text.ts";

const NAME = 12;
const BATCHES = ["completed", "failed", "cancelled", "expired", "reprocessed"] as const;

/** The last 24 hours, as the overview counts them. */
export function dayLines({ model, glyphs }: Scene, width: number, height: number): Line[] {
  const { day } = model.snapshot.overview;
  const facts: readonly (readonly [string, readonly Line[]])[] = [
    [
      "Batches",
      [
        figure(count(day.batches["created"] ?? 0), "created"),
        ...BATCHES.map((name) => counted(day.batches[name] ?? 0, name, name === "failed" || name === "expired")),
      ],
    ],
    [
      "Items",
      [
        figure(count(day.items.succeeded), "succeeded"),
        counted(day.items.failed, "failed", true),
        counted(day.items.retried, "retried"),
        counted(day.items.dead_letters, "dead letters", true),
        figure(count(day.items.received), "received by streams"),
      ],
    ],
    [
      "Windows",
      [
        figure(count(day.windows.closed), "closed"),
        figure(count(day.windows.items), "items in them"),
        ...Object.entries(day.windows.closures).flatMap(([reason, closed]) => (closed ? [figure(compact(closed), `by ${reason}`)] : [])),
      ],
    ],
    [
      "P95",
      [
        figure(seconds(day.wait_p95_seconds), "waiting"),
        figure(seconds(day.run_p95_seconds), "running"),
        figure(seconds(day.total_p95_seconds), "in all"),
      ],
    ],
    ["Stalled", [day.stalled === 0 ? [span("no chunk", "soft")] : [span(`${count(day.stalled)} chunks lost their worker`, "warn")]]],
  ];
  return facts
    .map(([name, parts]) =>
      fitLine([span(fit(name, NAME), "soft"), ...joined(parts, span(`  ${glyphs.divider}  `, "soft"), width - NAME)], width),
    )
    .slice(0, height);
}

function figure(value: string, what: string, tone: Tone = "plain"): Line {
  return [span(value, tone), span(` ${what}`, "soft")];
}

function counted(value: number, what: string, bad = false): Line {
  return figure(count(value), what, value === 0 ? "soft" : bad ? "bad" : "plain");
}

const seconds = (value: number | null): string => or(value, (known) => brief(known * 1_000));
