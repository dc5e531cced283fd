import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { batchChange, withChange, type Batch, type HistoryPage, type Stats } from "batchyard/client";
import type { Overview } from "../data/wire.ts";
import type { LiveEvent } from "./feed.ts";
import { type Arrival, arrivals } from "./arrivals.ts";

const ENDED = new Set(["batch.completed", "batch.failed", "batch.cancelled", "batch.expired"]);
// Counts are exact only when asked for; one question a second is enough for eyes and bearable with a million batches.
const ASK_AGAIN_MS = 1_000;

function arrivalOf({ type, data }: LiveEvent, before: Arrival | undefined): Arrival {
  const text = (name: string): string | null => (typeof data[name] === "string" ? data[name] : null);
  return {
    at: Date.now(),
    created: type === "batch.created" || before?.created === true,
    status: text("status") ?? before?.status ?? "",
    operation: text("operation") ?? before?.operation ?? "",
    name: text("name") ?? before?.name ?? null,
    stream: text("stream") ?? before?.stream ?? null,
    key: text("key") ?? before?.key ?? null,
  };
}

/** Brings the cache up to what happened: rows and counters on screen are patched, the rest is marked to be asked for again. */
export class Patcher {
  readonly #cache: QueryClient;
  #asked = 0;
  #due: ReturnType<typeof setTimeout> | null = null;
  readonly #keys = new Set<string>();

  constructor(cache: QueryClient) {
    this.#cache = cache;
  }

  apply(events: readonly LiveEvent[]): void {
    const changed = new Map<string, Partial<Batch>>();
    const arrived = new Map<string, Arrival>();
    for (const event of events) {
      const id = event.data["batch_id"];
      if (event.type.startsWith("batch.") && typeof id === "string") {
        if (event.type !== "batch.progress") arrived.set(id, arrivalOf(event, arrived.get(id)));
        if (event.type === "batch.created") {
          // The first one turns the first-run page into the overview.
          if (this.#cache.getQueryData<Stats>(["stats"])?.total === 0) this.#ask("overview");
        } else changed.set(id, { ...changed.get(id), ...batchChange(event) });
        if (event.type !== "batch.progress") this.#ask("stats", "count");
        if (ENDED.has(event.type)) this.#askOf(id, event.type);
      } else if (event.type === "queue.status") this.#queues(event.data);
      else if (event.type === "worker.stats") this.#worker(event.data);
      else if (event.type.startsWith("worker.")) this.#ask("overview", "workers", "held");
      else if (event.type === "stream.paused") this.#ask("overview", "streams", "stream");
      else if (event.type === "bulk.progress") this.#bulk(event.data);
      else if (event.type === "settings.changed") this.#ask("session", "settings");
      else if (event.type.startsWith("alert.")) this.#ask("standing", "alerts");
    }
    if (arrived.size > 0) arrivals.note(arrived);
    if (changed.size > 0) this.#batches(changed);
  }

  /** Everything is asked for again. */
  reset(): void {
    void this.#cache.invalidateQueries();
  }

  #batches(changed: ReadonlyMap<string, Partial<Batch>>): void {
    for (const [id, change] of changed) {
      this.#cache.setQueryData<Batch>(["batch", id], (batch) => (batch === undefined ? undefined : withChange(batch, change)));
      if (this.#cache.getQueryState(["viz", id]) !== undefined) this.#ask(`viz ${id}`, `chunks ${id}`, `errors ${id}`);
    }
    this.#cache.setQueriesData<InfiniteData<HistoryPage>>({ queryKey: ["batches"] }, (data) => {
      if (data === undefined) return undefined;
      let touched = false;
      const pages = data.pages.map((page) => {
        if (!page.batches.some((batch) => changed.has(batch.id))) return page;
        touched = true;
        return { ...page, batches: page.batches.map((batch) => withChange(batch, changed.get(batch.id))) };
      });
      return touched ? { ...data, pages } : data;
    });
  }

  #queues(data: Record<string, unknown>): void {
    const told = data["queues"] as { name: string; depth: number; running: number }[];
    this.#cache.setQueryData<Overview>(["overview"], (known) =>
      known === undefined
        ? undefined
        : {
            ...known,
            queues: known.queues.map((queue) => {
              const now = told.find((each) => each.name === queue.name);
              return now === undefined ? queue : { ...queue, depth: now.depth, running: now.running };
            }),
          },
    );
  }

  /** How far an act on many batches is; only of those that this page shows. */
  #bulk({ bulk_id: id, done, total, failed, skipped, status }: Record<string, unknown>): void {
    this.#cache.setQueryData<object>(["bulk", id], (job) =>
      job === undefined ? undefined : { ...job, done, total, failed, skipped, status },
    );
    if (status !== "running") this.#ask(`bulk ${String(id)}`, "batches", "stats", "count", "failures", "dead");
  }

  #worker(data: Record<string, unknown>): void {
    const { worker, running, slots } = data;
    if (typeof running !== "number") return;
    const changed = <W extends Overview["workers"][number]>(known: W): W =>
      known.id === worker
        ? { ...known, running, slots: typeof slots === "number" ? slots : known.slots, status: running > 0 ? "busy" : "idle" }
        : known;
    this.#cache.setQueryData<Overview>(["overview"], (known) =>
      known === undefined ? undefined : { ...known, workers: known.workers.map(changed) },
    );
    this.#cache.setQueryData<Overview["workers"]>(["workers"], (known) => known?.map(changed));
  }

  #askOf(id: string, type: string): void {
    this.#ask(`batch ${id}`, `viz ${id}`, `chunks ${id}`, `errors ${id}`, `results ${id}`, `why ${id}`, `costs ${id}`);
    if (type === "batch.failed") this.#ask("overview");
  }

  /** Keys as "name" or "name id". Asked for together, at most once a second; what nobody looks at is only marked stale. */
  #ask(...keys: string[]): void {
    for (const key of keys) this.#keys.add(key);
    if (this.#due !== null) return;
    this.#due = setTimeout(
      () => {
        this.#due = null;
        this.#asked = Date.now();
        for (const key of this.#keys) void this.#cache.invalidateQueries({ queryKey: key.split(" ") });
        this.#keys.clear();
      },
      Math.max(0, this.#asked + ASK_AGAIN_MS - Date.now()),
    );
  }
}
