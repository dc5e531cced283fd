import type { Logger } from "pino";
import type { Backpressure } from "./batches/backpressure.ts";
import type { Bulk } from "./batches/bulk.ts";
import type { Batches } from "./batches/service.ts";
import type { Config } from "./config.ts";
import type { Engine } from "./engine/engine.ts";
import type { EventBatcher, BatcherOptions } from "./events/frames/batcher.ts";
import type { EventLog } from "./events/port.ts";
import type { Endpoint } from "./executors/openai/endpoint.ts";
import type { CrashPoint } from "./executors/openai-batch/desk.ts";
import type { Keeper } from "./executors/openai-batch/keeper.ts";
import type { ProviderUse } from "./executors/provider-use.ts";
import type { CacheFigures } from "./model/cache-figures.ts";
import type { Files } from "./files/files.ts";
import type { Clock } from "./model/clock.ts";
import type { Collector } from "./requests/collector.ts";
import type { Alerts } from "./monitor/alerts/alerts.ts";
import type { ChannelSettings } from "./monitor/notify/channels.ts";
import type { Resolve } from "./monitor/notify/target.ts";
import type { ProcessFigures } from "./monitor/process-figures.ts";
import type { RetentionLadder } from "./monitor/retention-ladder.ts";
import type { OpenAiService } from "./openai/service.ts";
import type { OpenAiWebhook } from "./openai/webhooks.ts";
import type { Operation } from "./operations/operation.ts";
import type { Registry } from "./operations/registry.ts";
import type { Fetch } from "./providers/client.ts";
import type { Providers } from "./providers/providers.ts";
import type { Settings } from "./settings/settings.ts";
import type { Tracing } from "./tracing/port.ts";
import type { Store } from "./store/port.ts";
import type { DeadQueues } from "./streams/dead-queues.ts";
import type { DeclaredStreams } from "./streams/yard-streams.ts";
import type { Streams } from "./streams/service.ts";

export interface YardParts {
  config: Config;
  /** Operations besides the built-in ones. */
  operations?: readonly Operation[] | undefined;
  /** Notification channels by name, besides `log`. */
  channels?: Readonly<Record<string, ChannelSettings>> | undefined;
  /** Instead of the system's name servers, for the addresses of channels. */
  resolve?: Resolve | undefined;
  /** False: nobody looks at the figures: no alert fires, no statistics are told. */
  alerts?: boolean | undefined;
  /** Addresses that are told when a /v1 batch ends. */
  webhooks?: readonly OpenAiWebhook[] | undefined;
  /** Streams by name, of one tenant. */
  streams?: DeclaredStreams | undefined;
  /** `providers` of batchyard.config. */
  providers?: unknown;
  /** Instead of the network, for requests to providers. */
  fetch?: Fetch | undefined;
  clock?: Clock | undefined;
  /** Tests let the process die between two steps of an upstream batch. */
  crashPoint?: ((name: CrashPoint) => Promise<void> | void) | undefined;
  /** 0 ≤ x < 1; jitter of retries. */
  random?: (() => number) | undefined;
  /** Every operation as it is to be known here: tests count the calls of its handler. */
  wrap?: ((operation: Operation) => Operation) | undefined;
}

/** Everything that runs batches in one process, without a door to the outside. */
export interface Yard {
  /** As it was at the start; `settings.current()` is what is in force. */
  readonly config: Config;
  readonly settings: Settings;
  readonly batches: Batches;
  /** One act on many batches. */
  readonly bulk: Bulk;
  readonly streams: Streams;
  /** The /v1 surface but for HTTP. */
  readonly openai: OpenAiService;
  /** Single requests. */
  readonly collector: Collector;
  readonly dead: DeadQueues;
  readonly alerts: Alerts;
  readonly pressure: Backpressure;
  readonly registry: Registry;
  readonly providers: Providers;
  readonly store: Store;
  readonly engine: Engine;
  /** Looks after what is upstream. */
  readonly keeper: Keeper;
  /** Asks providers for single items. */
  readonly endpoint: Endpoint;
  readonly log: Logger;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly tracing: Tracing;
  /** What is in use of the machine, of the store, of caches and of what providers allow. */
  readonly resources: {
    process: ProcessFigures;
    store: { readonly kind: string; space: Store["upkeep"]["space"]; resources: Store["resources"] };
    caches: () => CacheFigures[];
    providerUse: ProviderUse;
  };
  /** What is kept for how long. */
  readonly ladder: RetentionLadder;
  files(tenant: string): Files;
  /** Files are read or written, or the disk is looked at: what no clock knows the length of. Work on items is told by others. */
  isAtDisk(): boolean;
  /** Its constants are the settings `events`, as they are now. */
  eventBatcher(options: Omit<BatcherOptions, "clock" | "constants">): EventBatcher;
  /** Starts working; batches can be created before. */
  start(): Promise<void>;
  /** Graceful: hands back what does not end within the grace time. */
  stop(): Promise<void>;
}
