import { brief, compact } from "../../terminal/figures.ts";
import { or, type Pane, type Scene } from "../pane.ts";
import { foreign, span, type Line } from "../text.ts";

export interface Summary {
  readonly id: string;
  readonly title: string;
  readonly line: Line;
}

/** Each pane and panel in a few words, for where there is no room for it. */
export function summaries(scene: Scene, panes: readonly Pane[]): readonly Summary[] {
  const { overview, queues, pipeline } = scene.model.snapshot;
  const { total_queued, total_running } = queues.summary;
  const run = overview.stages.find(({ stage }) => stage === "run");
  const [latest] = scene.model.events;
  const special: Readonly<Record<string, Line>> = {
    events: latest === undefined ? [span("none", "soft")] : [span(foreign(latest.type))],
  };
  const { services, mode } = pipeline.degradation;
  const unwell = services.filter(({ status }) => status !== "healthy");
  return [
    ...panes.map((pane) => ({ id: pane.id, title: `${pane.digit} ${pane.title}`, line: special[pane.id] ?? pane.aside(scene) })),
    { id: "queue", title: "  Queue", line: [span(`${compact(total_queued)} wait, ${compact(total_running)} run`)] },
    { id: "performance", title: "  Stages", line: [span(`run p95 ${or(run?.p95_seconds, (seconds) => brief(seconds * 1000))}`)] },
    {
      id: "system",
      title: "  System",
      line:
        unwell.length === 0
          ? [span(`${scene.glyphs.dot} ${mode}`, mode === "normal" ? "good" : "warn")]
          : [span(unwell.map(({ name }) => foreign(name)).join(", "), "bad")],
    },
  ];
}
