import { BatchyardError } from "./model/errors.ts";
import { didYouMean } from "./model/schema-faults.ts";
import { loadConfig, type Config } from "./config.ts";
import { Batchyard } from "./library/batchyard.ts";
import { createYard } from "./main.ts";
import type { ChannelSettings } from "./monitor/notify/channels.ts";
import type { OpenAiWebhook } from "./openai/webhooks.ts";
import type { StreamSettings } from "./streams/definition.ts";
import type { ProviderSettings } from "./providers/provider.ts";
import type { Operation } from "./operations/operation.ts";

/** What `createBatchyard` takes; everything has a default. */
export interface BatchyardOptions {
  /** Data directory; `./data` when absent. One process at a time. */
  data?: string | undefined;
  /** Your operations, besides the built-in ones. */
  operations?: readonly Operation[] | undefined;
  /** Notification channels by name, besides `log`. */
  channels?: Readonly<Record<string, ChannelSettings>> | undefined;
  /** Streams by name: single items that become batches. See docs/learn/streams.md. */
  streams?: Readonly<Record<string, StreamSettings>> | undefined;
  /** Model providers by name. See docs/operate/providers.md. */
  providers?: Readonly<Record<string, ProviderSettings>> | undefined;
  /** Addresses that are told when a batch of an OpenAI client ends. See docs/learn/openai.md. */
  webhooks?: readonly OpenAiWebhook[] | undefined;
  /** Chunks run at once; 4 when absent, 0 = create only. */
  workers?: number | undefined;
  /** Any setting of docs/operate/config.md by its name. */
  settings?: Readonly<Record<string, string>> | undefined;
  /** Owner of everything this yard creates; `default` when absent. */
  tenant?: string | undefined;
}

const OPTIONS: readonly string[] = [
  "data",
  "operations",
  "streams",
  "channels",
  "providers",
  "webhooks",
  "workers",
  "settings",
  "tenant",
] satisfies (keyof BatchyardOptions)[];

/** Opens a data directory and starts working. Throws BatchyardError (data_in_use, newer_schema, bad_config, …). */
export async function createBatchyard(options: BatchyardOptions = {}): Promise<Batchyard> {
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) {
    const hint = didYouMean(unknown, OPTIONS);
    const allowed = `createBatchyard takes ${OPTIONS.join(", ")}${hint === null ? "" : `; did you mean '${hint}'?`}`;
    throw new BatchyardError("bad_config", { name: `The option '${unknown}'`, found: "unknown", allowed });
  }
  const tenant = options.tenant ?? "default";
  const settings = { LOG_LEVEL: "warn", ...options.settings };
  const config: Config = loadConfig(settings, { BATCHYARD_DATA: options.data, BATCHYARD_WORKERS: options.workers?.toString() });
  const yard = await createYard({
    config,
    operations: options.operations,
    channels: options.channels,
    providers: options.providers,
    webhooks: options.webhooks,
    streams: { tenant, definitions: options.streams ?? {} },
  });
  try {
    await yard.start();
  } catch (error) {
    await yard.stop();
    throw error;
  }
  return new Batchyard(yard, tenant);
}

/** What `batchyard.config.ts` exports. */
export interface ProjectConfig {
  operations?: readonly Operation[] | undefined;
  channels?: BatchyardOptions["channels"];
  streams?: BatchyardOptions["streams"];
  providers?: BatchyardOptions["providers"];
  webhooks?: BatchyardOptions["webhooks"];
}

/** Types the default export of `batchyard.config.ts`. */
export function defineConfig(config: ProjectConfig): ProjectConfig {
  return config;
}

export { EventBatcher, type BatcherEvent, type BatcherOptions, type BatcherStatistics } from "./events/frames/batcher.ts";
export { defineOperation } from "./operations/define.ts";
export { OperationError } from "./model/failure.ts";
export { BatchyardError } from "./model/errors.ts";
export type { Batchyard, BatchUpdate, NewLibraryBatch } from "./library/batchyard.ts";
export type { HandlerContext, HandlerResult, ItemOutcome, Operation } from "./operations/operation.ts";
export type { ChannelSettings } from "./monitor/notify/channels.ts";
export type { ProviderSettings } from "./providers/provider.ts";
export type { StreamSettings } from "./streams/definition.ts";
export type { Item, ItemResult } from "./model/item.ts";
