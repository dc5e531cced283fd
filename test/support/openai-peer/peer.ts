/**
 * A provider of the OpenAI shape that misbehaves on order: `/v1/files`, `/v1/batches`, `/v1/chat/completions`,
 * `/v1/responses`, `/v1/embeddings`, `/v1/completions`, `/v1/models`. Everything is in memory; answers and tokens follow from
 * the request alone (see answers.ts); it keeps an exact account of what it executed, whatever became of the answers.
 *
 * ```ts
 * const peer = await startPeer({ steps: "poll" });            // in this process: takes a clock and a function that answers
 * const peer = await spawnPeer({ steps: { everyMs: 20 } });   // in a process of its own (spawned.ts): same methods
 * const client = new OpenAI({ baseURL: peer.baseURL, apiKey: "any", maxRetries: 0 });
 *
 * await peer.faults({
 *   calls: [{ on: "batches.create", fault: "lose-reply", at: [1] }],     // the first create acts, its reply is lost
 *   batches: [{ fault: "expire", share: 0.5, times: 1 }, { fault: "shuffle" }],
 * });
 * await peer.faults(randomFaults(seed, { without: LOSING }));            // or drawn; all kinds: faults.ts
 * await peer.advance();                                                  // steps "manual": all batches one step on
 *
 * const { billed, attempts, fired } = await peer.record();               // shapes: record.ts
 * billed.filter(({ batchId }) => batchId !== null);                      // each executed line once, with its tokens
 * attempts["a1"].mostLive;                                               // batches of metadata.attempt live at once: 1
 * fired["lose-reply"];                                                   // the fault showed: 1
 * await peer.close();
 * ```
 *
 * A batch takes 2 + `runSteps` steps, fewer when it has fewer lines: validating → in_progress → … → finalizing → completed. With `steps: "poll"` each
 * retrieve, and each list that shows it, shows the state and then makes a step; with `{ everyMs }` its clock does; with
 * "manual" only `advance`. A client that waits is met with `seen(call, n)`; one that shall die while it waits, with the fault
 * `hold`.
 */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "../../../src/model/clock.ts";
import type { Answerer } from "./answers.ts";
import type { Call, FaultSchedule } from "./faults.ts";
import { Provider } from "./provider.ts";
import type { PeerRecord } from "./record.ts";
import { type Door, routes } from "./routes.ts";

/** What a peer in any process takes; all of it is JSON. */
export interface PeerSettings {
  faults?: FaultSchedule;
  /** What moves batches on; "manual". */
  steps?: "manual" | "poll" | { everyMs: number };
  /** In how many steps a batch does its lines; 2. */
  runSteps?: number;
  /** The only models it knows; without, every name is one. */
  models?: readonly string[];
  /** Tokens of a model that may wait in batches at once; beyond, a batch fails with `token_limit_exceeded`. */
  enqueuedTokens?: Readonly<Record<string, number>>;
  /** Endpoints without `/v1`, statuses in upper case, `error_file_id: ""`, output lines without ids. */
  azure?: boolean;
}

export interface PeerOptions extends PeerSettings {
  clock?: Clock;
  /** Called for each executed request. */
  answer?: Answerer;
}

export interface Peer {
  /** With `/v1`, for clients. */
  readonly baseURL: string;
  /** Moves every batch that has not ended on; `Infinity` = to its end. */
  advance(steps?: number): Promise<void>;
  /** Replaces the schedule. What batches were born with stays. */
  faults(schedule: FaultSchedule): Promise<void>;
  /** Refuses connections, or answers 503, for so long or until `up`. */
  down(how: "refused" | "503", ms?: number): Promise<void>;
  up(): Promise<void>;
  /** Answers every call that a `hold` keeps. */
  release(): Promise<void>;
  /** Resolves when the call has, so often in all, been acted on or met a fault that comes before that. */
  seen(call: Call, count?: number): Promise<void>;
  record(): Promise<PeerRecord>;
  close(): Promise<void>;
}

export async function startPeer(options: PeerOptions = {}): Promise<Peer> {
  const provider = new Provider({
    clock: options.clock ?? systemClock,
    answerer: options.answer ?? ((): object => ({})),
    azure: options.azure ?? false,
    models: options.models ?? null,
    runSteps: options.runSteps ?? 2,
    enqueuedTokens: options.enqueuedTokens ?? {},
    steps: options.steps ?? "manual",
  });
  provider.faults.set(options.faults ?? {});
  const door = new HttpDoor(provider);
  const app = await routes(provider, door);
  await door.open(createServer((request, response) => app.routing(request, response)));
  return {
    baseURL: `http://127.0.0.1:${door.port}/v1`,
    advance: async (steps = 1) => provider.advance(steps),
    faults: async (schedule) => provider.faults.set(schedule),
    down: async (how, ms) => door.down(how, ms),
    up: () => door.up(),
    release: async () => door.release(),
    seen: (call, count = 1) => provider.books.seen(call, count),
    record: async () => provider.record(),
    async close() {
      provider.close();
      door.release();
      await door.close();
      await app.close();
    },
  };
}

/** The listening socket, which can go away and come back under the same port. */
class HttpDoor implements Door {
  isShut = false;
  port = 0;
  private server: Server | null = null;
  private opening: Promise<void> | null = null;
  private readonly provider: Provider;
  private readonly holding = new Set<() => void>();

  constructor(provider: Provider) {
    this.provider = provider;
  }

  async open(server: Server): Promise<void> {
    this.server = server;
    server.listen(this.port, "127.0.0.1");
    await once(server, "listening");
    this.port = (server.address() as AddressInfo).port;
  }

  down(how: "refused" | "503", ms?: number): void {
    if (how === "503") this.isShut = true;
    else this.shutDown();
    if (ms !== undefined) this.provider.clock.after(ms, () => void this.up());
  }

  async up(): Promise<void> {
    this.isShut = false;
    if (this.server === null || this.server.listening) return;
    // Two outages may end at once.
    this.opening ??= this.open(this.server).finally(() => (this.opening = null));
    await this.opening;
  }

  held(): Promise<void> {
    return new Promise((resolve) => this.holding.add(resolve));
  }

  release(): void {
    for (const resolve of this.holding) resolve();
    this.holding.clear();
  }

  async close(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (server?.listening !== true) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  private shutDown(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }
}
