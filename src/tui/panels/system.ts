import { brief, bytes, compact } from "../../cli/figures.ts";
import { NOTHING, or, type Scene } from "../pane.ts";
import { fit, fitLine, foreign, span, type Line, type Tone } from "../text.ts";

const NAME = 12;

/** Whether the parts of the server answer, who works, and what its caches do. Named with a dash: this server does not say. */
export function systemLines(scene: Scene, width: number, height: number): Line[] {
  const { overview, pipeline, queues, resources } = scene.model.snapshot;
  const { services, mode } = pipeline.degradation;
  const part = (name: string): Line => {
    const found = services.find((service) => service.name === name);
    if (found === undefined) return [span(NOTHING, "soft")];
    return found.status === "healthy"
      ? [span(`${scene.glyphs.dot} healthy`, "good")]
      : [span(`${scene.glyphs.dot} ${foreign(found.error_message ?? "unhealthy")}`, "bad")];
  };
  const live = overview.workers.filter((worker) => worker.state === "live").length;
  const modeTone: Tone = mode === "normal" ? "good" : mode === "offline" ? "bad" : "warn";
  const { waiting, max_size, state } = queues.summary.backpressure;
  const inUse = or(overview.utilisation, (share) => `${compact(share * 100)} %`);
  const facts: [string, Line][] = [
    ["Mode", [span(mode, modeTone)]],
    ["Store", part("store")],
    ["Redis", part("redis")],
    ["Workers", [span(`${compact(live)} live`, live === 0 ? "bad" : "plain"), span(`, ${inUse} of the slots used`)]],
    ["Cache", [span(resources === null ? NOTHING : "", "soft")]],
    ["Memory", [span(resources === null ? NOTHING : bytes(0), "soft")]],
    ["Dispatcher", part("dispatcher")],
    ["Queue", [span(`${compact(waiting)} of ${compact(max_size)} wait`, state === "normal" ? "plain" : "warn")]],
    ["Closing lag", [span(or(pipeline.batch_aggregator.closure_lag.p99_ms, (ms) => `${brief(ms)} p99`))]],
  ];
  return facts.map(([name, line]) => fitLine([span(fit(name, NAME), "soft"), ...line], width)).slice(0, height);
}
