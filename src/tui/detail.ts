import { batchFacts } from "../terminal/batch-screen.ts";
import { brief, compact, count } from "../terminal/figures.ts";
import type { Batch, Client, ErrorGroup, OpenWindow, Why } from "../client/index.ts";
import { factsOf, momentOf } from "./facts.ts";
import { meter, NOTHING, type PaneId, type Scene } from "./pane.ts";
import { STATUS_TONE } from "./panes/batches.ts";
import { fit, foreign, span, widthOf, wrapped, type Line, type Tone } from "./text.ts";

/** What the shown row needs beyond the snapshot. */
export type Depth =
  | { readonly kind: "batch"; readonly batch: Batch; readonly errors: readonly ErrorGroup[]; readonly why: Why | null }
  | { readonly kind: "windows"; readonly windows: readonly OpenWindow[]; readonly total: number };

const WINDOWS = 100;
const MOMENTS = new Set(["Created", "Started", "Ended"]);
const NAME = 10;

/** Null where the snapshot says it all. Throws ClientError. */
export async function loadDepth(client: Client, pane: PaneId, key: string): Promise<Depth | null> {
  if (pane === "batches") {
    const batch = await client.get(key);
    const [errors, why] = await Promise.all([
      batch.failed_items > 0 ? client.errors(key) : [],
      batch.completed_at === null ? client.why(key) : null,
    ]);
    return { kind: "batch", batch, errors, why };
  }
  if (pane === "streams") return { kind: "windows", ...(await client.streams.windows(key, { limit: WINDOWS })) };
  return null;
}

/** The row, whole, as lines of at most `width`. */
export function detailLines(scene: Scene, pane: PaneId, key: string, depth: Depth | null, width: number): Line[] {
  switch (pane) {
    case "batches":
      return depth?.kind === "batch" ? batchLines(depth, scene, width) : [[span("loading", "soft")]];
    case "streams":
      return streamLines(scene, key, depth?.kind === "windows" ? depth : null, width);
    case "workers":
      return recordLines(
        scene.model.snapshot.overview.workers.find(({ id }) => id === key),
        scene.now,
        width,
      );
    case "failures": {
      const failure = scene.model.snapshot.failures.failures.find(({ code }) => code === key);
      if (failure === undefined) return gone();
      const { jobIds, jobs: batches, ...rest } = failure;
      const facts = { ...rest, batches };
      return [
        ...recordLines(facts, scene.now, width),
        [],
        heading(`Batches (${count(failure.jobs)})`),
        ...jobIds.map((id) => [span(`  ${foreign(id)}`)]),
      ];
    }
    case "alerts": {
      const alert = scene.model.snapshot.alerts?.alerts.find(({ id }) => id === key);
      if (alert === undefined) return gone();
      const { message, ...facts } = alert;
      // What is not the case of an alert is no news.
      const said = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== false));
      return [...wrapped(foreign(message), width).map((text) => [span(text, "strong")]), [], ...recordLines(said, scene.now, width)];
    }
    case "events": {
      const event = scene.model.events.find(({ serial }) => String(serial) === key);
      return event === undefined
        ? gone()
        : [...recordLines({ type: event.type, at: event.timestamp }, scene.now, width), [], ...recordLines(event.data, scene.now, width)];
    }
  }
}

function batchLines({ batch, errors, why }: Extract<Depth, { kind: "batch" }>, scene: Scene, width: number): Line[] {
  const tone = STATUS_TONE[batch.status];
  const barWidth = Math.max(10, Math.min(40, width - NAME - 8));
  const lines: Line[] = [
    [span(foreign(batch.id), "strong")],
    [span(foreign(batch.operation)), span("  "), span(`${scene.glyphs.status[batch.status]} ${batch.status}`, tone)],
    [],
  ];
  for (const [name, value] of batchFacts(batch, (_, text) => text, scene.now)) {
    if (name === "Progress")
      lines.push([
        span(fit(name, NAME), "soft"),
        span(meter(batch.progress / 100, barWidth, scene.glyphs), tone),
        span(` ${batch.progress} %`),
      ]);
    else
      lines.push(...fact(name, foreign(MOMENTS.has(name) ? momentOf(value, scene.now) : value), width, name === "Error" ? "bad" : "plain"));
  }
  if (errors.length > 0) {
    lines.push([], heading("Errors"));
    for (const group of errors.slice(0, 10))
      lines.push(
        ...fact(
          compact(group.count),
          `${foreign(group.code)}: ${foreign(group.error)}, e.g. ${group.examples.slice(0, 3).map(foreign).join(", ")}`,
          width,
        ),
      );
  }
  if (why !== null && why.reasons.length > 0) {
    lines.push([], heading("Why it is not done"));
    for (const reason of why.reasons) lines.push(...wrapped(foreign(reason.message), width - 2).map((text) => [span(`  ${text}`)]));
  }
  return lines;
}

function streamLines({ model, glyphs, now }: Scene, key: string, depth: Extract<Depth, { kind: "windows" }> | null, width: number): Line[] {
  const stream = model.snapshot.overview.streams.find(({ name }) => name === key);
  if (stream === undefined) return gone();
  const { bottleneck, closures, ...facts } = stream;
  const lines: Line[] = depth === null ? [] : [...windowLines(depth, glyphs, now, width), []];
  lines.push(...recordLines(facts, now, width));
  for (const [reason, closed] of Object.entries(closures))
    lines.push(...fact("closed by", `${reason} ${compact(closed)}`, width, "plain", 24));
  if (bottleneck !== null) lines.push([], ...wrapped(foreign(bottleneck.sentence), width).map((text) => [span(text, "soft" as const)]));
  return lines;
}

function windowLines({ windows, total }: Extract<Depth, { kind: "windows" }>, glyphs: Scene["glyphs"], now: number, width: number): Line[] {
  const lines: Line[] = [heading(`Open windows (${count(total)})`)];
  for (const window of windows) {
    const due = window.due_at === null ? NOTHING : brief(Math.max(0, Date.parse(window.due_at) - now));
    lines.push([
      span(`  ${fit(foreign(window.key === "" ? "(no key)" : window.key), Math.max(8, Math.min(24, width - 44)))} `),
      span(meter(window.fill ?? 0, 8, glyphs), "busy"),
      span(
        ` ${fit(compact(window.items), 6, true)} items  ${fit(brief(window.age_seconds * 1000), 6, true)} old  due ${window.held ? "held" : due}`,
      ),
    ]);
  }
  return lines;
}

/** Each field on its own line. */
function recordLines(record: Readonly<Record<string, unknown>> | undefined, now: number, width: number): Line[] {
  if (record === undefined) return gone();
  const facts = factsOf(record, now);
  const label = Math.max(NAME, ...facts.map(([name]) => widthOf(name) + 2));
  return facts.flatMap(([name, value]) => fact(name, value, width, "plain", label));
}

function fact(name: string, value: string, width: number, tone: Tone = "plain", label = NAME): Line[] {
  const room = Math.min(label, 24);
  return wrapped(value, Math.max(8, width - room)).map((text, n) => [
    span(n === 0 ? fit(name, room) : " ".repeat(room), "soft"),
    span(text, tone),
  ]);
}

function heading(text: string): Line {
  return [span(text, "strong")];
}

function gone(): Line[] {
  return [[span("It is no longer there", "soft")]];
}
