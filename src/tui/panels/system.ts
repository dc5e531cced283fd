import { brief, bytes, compact } from "../../terminal/figures.ts";
import { NOTHING, or, type Scene } from "../pane.ts";
import type { Snapshot } from "../snapshot.ts";
import { fit, fitLine, foreign, span, type Line, type Tone } from "../text.ts";

const NAME = 12;
const MOST_CACHES = 3;

/** Whether the parts of the server answer, who works, and what memory and caches do. A dash: not for this caller. */
export function systemLines(scene: Scene, width: number, height: number): Line[] {
  const { overview, pipeline, queues, resources } = scene.model.snapshot;
  const { services, mode } = pipeline.degradation;
  const part = (name: string, more: string): Line => {
    const found = services.find((service) => service.name === name);
    if (found === undefined) return [span(NOTHING, "soft")];
    if (found.status === "healthy") return [span(`${scene.glyphs.dot} healthy`, "good"), span(more === "" ? "" : `, ${more}`)];
    return [span(`${scene.glyphs.dot} ${foreign(found.error_message ?? "unhealthy")}`, "bad")];
  };
  const live = overview.workers.filter((worker) => worker.state === "live").length;
  const modeTone: Tone = mode === "normal" ? "good" : mode === "offline" ? "bad" : "warn";
  const { waiting, max_size, state } = queues.summary.backpressure;
  const inUse = or(overview.utilisation, (share) => `${compact(share * 100)} %`);
  const facts: [string, Line][] = [
    ["Mode", [span(mode, modeTone)]],
    ["Store", part("store", storeOf(resources))],
    ["Redis", [span(resources === null ? NOTHING : "not used", "soft")]],
    ["Workers", [span(`${compact(live)} live`, live === 0 ? "bad" : "plain"), span(`, ${inUse} of slots used`)]],
    ["Memory", memoryOf(resources)],
    ...cachesOf(resources),
    ["Services", servicesOf(scene)],
    ["Queue", [span(`${compact(waiting)} of ${compact(max_size)} wait`, state === "normal" ? "plain" : "warn")]],
    ["Closing lag", [span(or(pipeline.batch_aggregator.closure_lag.p99_ms, (ms) => `${brief(ms)} p99`))]],
  ];
  return facts.map(([name, line]) => fitLine([span(fit(name, NAME), "soft"), ...line], width)).slice(0, height);
}

/** The other parts of the server: who is well by name, who is not with what is wrong. */
function servicesOf({ model, glyphs }: Scene): Line {
  const services = model.snapshot.pipeline.degradation.services.filter(({ name }) => name !== "store");
  const unwell = services.filter(({ status }) => status !== "healthy");
  if (unwell.length > 0)
    return unwell.map(({ name, error_message }, n) =>
      span(`${n === 0 ? `${glyphs.dot} ` : ", "}${foreign(name)}: ${foreign(error_message ?? "unhealthy")}`, "bad"),
    );
  return [span(`${glyphs.dot} healthy`, "good"), span(`: ${services.map(({ name }) => foreign(name)).join(", ")}`)];
}

type Resources = Snapshot["resources"];

function storeOf(resources: Resources): string {
  const store = resources?.store ?? null;
  return store === null ? "" : `${store.kind} ${bytes(store.bytes)}`;
}

function memoryOf(resources: Resources): Line {
  const process = resources?.process ?? null;
  if (process === null) return [span(NOTHING, "soft")];
  const lag = process.event_loop_lag_seconds;
  return [
    span(bytes(process.rss_bytes)),
    span(`, CPU ${compact(process.cpu_percent)} %`),
    ...(lag === null ? [] : [span(`, lag ${brief(lag.p99 * 1000)}`, lag.p99 > 0.25 ? "warn" : "plain")]),
  ];
}

/** Hit rate and memory of each cache that somebody has asked, the most asked first. */
function cachesOf(resources: Resources): [string, Line][] {
  const asked = (resources?.caches ?? [])
    .filter((cache) => cache.hit_ratio !== null)
    .toSorted((a, b) => b.hits + b.misses - a.hits - a.misses);
  if (asked.length === 0) return [["Cache", [span(NOTHING, "soft")]]];
  return asked.slice(0, MOST_CACHES).map((cache, n) => [
    n === 0 ? "Cache" : "",
    [
      span(
        or(cache.hit_ratio, (ratio) => `${compact(ratio * 100)} %`),
        (cache.hit_ratio ?? 1) < 0.5 ? "warn" : "plain",
      ),
      span(` hits, ${foreign(cache.name.replaceAll("_", " "))}`),
      span(cache.bytes === null ? ` (${compact(cache.entries)})` : ` ${bytes(cache.bytes)}`, "soft"),
    ],
  ]);
}
