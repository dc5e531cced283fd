import { plural } from "../terminal/figures.ts";
import type { Client } from "../client/index.ts";
import type { PaneId, Scene } from "./pane.ts";
import { batchesOf } from "./panes/batches.ts";
import { foreign } from "./text.ts";

/** Something to do on the server, once it is confirmed. */
export interface Act {
  /** `Pause`; the question is made of it. */
  readonly verb: string;
  /** What of, for the question: a name, or how many. */
  readonly subject: string;
  readonly things: readonly { readonly key: string; run(client: Client): Promise<unknown> }[];
}

export type ActName = "retry" | "close" | "pause" | "ack" | "silence";

const SILENCE_MINUTES = 60;
const MONITORING = "/api/admin/batch-monitoring";

/**
 * What the key means for these rows of the pane; a sentence when it means nothing. Rows it does not fit (a batch that has
 * ended cannot be paused) are left out. `flat`: batches are listed as the server lists them.
 */
export function actOn(name: ActName, pane: PaneId, keys: readonly string[], scene: Scene, flat: boolean): Act | string {
  if (keys.length === 0) return "Nothing is chosen";
  switch (pane) {
    case "batches":
      return onBatches(name, keys, scene, flat);
    case "streams":
      return onStream(name, keys[0]!, scene);
    case "workers":
      return onWorker(name, keys[0]!, scene);
    case "failures":
      return onFailure(name, keys[0]!, scene);
    case "alerts":
      return onAlert(name, keys[0]!, scene);
    case "events":
      return "Events only tell";
  }
}

function onBatches(name: ActName, keys: readonly string[], scene: Scene, flat: boolean): Act | string {
  const chosen = batchesOf(scene, flat).filter(({ id }) => keys.includes(id));
  const act = (verb: string, fits: typeof chosen, run: (client: Client, id: string) => Promise<unknown>, none: string): Act | string => {
    const [first] = fits;
    if (first === undefined) return none;
    const subject = fits.length === 1 ? `'${foreign(first.name ?? first.id)}'` : plural(fits.length, "batch", "batches");
    return { verb, subject, things: fits.map(({ id }) => ({ key: id, run: (client) => run(client, id) })) };
  };
  const open = chosen.filter((batch) => batch.completed_at === null);
  switch (name) {
    case "retry":
      return act(
        "Retry the failed items of",
        chosen.filter((batch) => batch.completed_at !== null && batch.failed_items + batch.cancelled_items + batch.expired_items > 0),
        (client, id) => client.retry(id),
        "Only an ended batch with failed items is retried",
      );
    case "close":
      return act("Cancel", open, (client, id) => client.cancel(id), "It has ended already");
    case "pause": {
      const running = open.filter(({ status }) => status !== "paused");
      if (running.length > 0) return act("Pause", running, (client, id) => client.pause(id), "");
      return act("Resume", open, (client, id) => client.resume(id), "It has ended already");
    }
    default:
      return "That key is for alerts";
  }
}

function onStream(name: ActName, key: string, { model }: Scene): Act | string {
  const stream = model.snapshot.overview.streams.find((each) => each.name === key);
  if (stream === undefined) return "Nothing is chosen";
  const one = (verb: string, run: (client: Client) => Promise<unknown>): Act => ({
    verb,
    subject: `'${foreign(key)}'`,
    things: [{ key, run }],
  });
  switch (name) {
    case "close":
      return stream.open_windows === 0 ? "It has no open window" : one("Close the windows now of", (client) => client.streams.flush(key));
    case "pause":
      return stream.paused ? one("Resume", (client) => client.streams.resume(key)) : one("Pause", (client) => client.streams.pause(key));
    default:
      return "Streams are closed (c) and paused (p)";
  }
}

function onWorker(name: ActName, key: string, { model }: Scene): Act | string {
  const worker = model.snapshot.overview.workers.find(({ id }) => id === key);
  if (worker === undefined || name !== "pause") return "Workers are drained and resumed (p)";
  const path = `/api/system/workers/${encodeURIComponent(key)}`;
  const [verb, action] = worker.state === "draining" ? ["Resume", "resume"] : ["Drain", "drain"];
  return { verb, subject: foreign(key), things: [{ key, run: (client) => client.request(`${path}/${action}`, { method: "POST" }) }] };
}

function onFailure(name: ActName, key: string, { model }: Scene): Act | string {
  const failure = model.snapshot.failures.failures.find(({ code }) => code === key);
  if (failure === undefined || name !== "retry") return "Failures are retried (r)";
  const json = { action: "retry", filter: { errorCode: key, timeRange: "24h" } };
  return {
    verb: "Retry every failure",
    subject: `'${foreign(key)}' of ${plural(failure.jobs, "batch", "batches")}`,
    things: [{ key, run: (client) => client.request("/api/batch/bulk", { method: "POST", json }) }],
  };
}

function onAlert(name: ActName, key: string, { model }: Scene): Act | string {
  const alert = model.snapshot.alerts?.alerts.find(({ id }) => id === key);
  if (alert === undefined) return "Nothing is chosen";
  const one = (verb: string, subject: string, run: (client: Client) => Promise<unknown>): Act => ({
    verb,
    subject,
    things: [{ key, run }],
  });
  switch (name) {
    case "ack":
      return alert.acknowledged
        ? "It is acknowledged already"
        : one("Acknowledge", `'${foreign(alert.message)}'`, (client) =>
            client.request(`${MONITORING}/alerts/${encodeURIComponent(key)}/ack`, { method: "POST", json: {} }),
          );
    case "silence":
      return one(`Silence for ${SILENCE_MINUTES} minutes`, `${foreign(alert.rule)} (${foreign(alert.instance)})`, (client) =>
        client.request(`${MONITORING}/silences`, {
          method: "POST",
          json: { rule: alert.rule, instance: alert.instance, minutes: SILENCE_MINUTES },
        }),
      );
    default:
      return "Alerts are acknowledged (a) and silenced (S)";
  }
}

/** Does it to one after the other; what was refused is told, and the rest done all the same. */
export async function perform(act: Act, client: Client): Promise<{ done: number; refused: string[] }> {
  let done = 0;
  const refused: string[] = [];
  for (const thing of act.things) {
    try {
      await thing.run(client);
      done += 1;
    } catch (error) {
      refused.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { done, refused };
}
