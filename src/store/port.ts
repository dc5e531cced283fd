import type { AccessStore } from "./access.ts";
import type { AlertStore } from "./alerts.ts";
import type { AttemptStore } from "./attempts.ts";
import type { BatchStore } from "./batches.ts";
import type { BulkStore } from "./bulk.ts";
import type { ChannelStore } from "./channels.ts";
import type { ChunkStore } from "./chunks.ts";
import type { DeadStore } from "./dead.ts";
import type { FailureStore } from "./failures.ts";
import type { FileStore } from "./files.ts";
import type { ImpactStore } from "./impact.ts";
import type { LedgerStore } from "./ledger.ts";
import type { AuditStore, EventStore, OutboxStore } from "./log.ts";
import type { MonitorStore } from "./monitor.ts";
import type { OpenAiBatchStore } from "./openai-batches.ts";
import type { RecordStore } from "./records.ts";
import type { RequestStore } from "./requests.ts";
import type { StoreResources } from "./resources.ts";
import type { ResultStore } from "./results.ts";
import type { StreamStore } from "./streams.ts";
import type { UpkeepStore } from "./upkeep.ts";
export type * from "./batches.ts";
export type * from "./chunks.ts";
export type * from "./results.ts";
export type * from "./records.ts";
export type * from "./files.ts";
export type * from "./access.ts";
export type * from "./log.ts";
export type * from "./streams.ts";
export type * from "./monitor.ts";
export type * from "./ledger.ts";
export type * from "./impact.ts";
export type * from "./dead.ts";
export type * from "./failures.ts";
export type * from "./upkeep.ts";

/**
 * The store is the truth. One adapter is one implementation of this file and the nouns it names, and test/contract/store holds each to it.
 *
 * Every method is atomic and durable when its promise resolves; a move of nothing is an answer (null, false, 0), never an
 * error. Times are Unix milliseconds. Every row belongs to a tenant; a method that takes a tenant never shows another's.
 *
 * Not in here, on purpose: connections, transactions, SQL, row layouts.
 */
export interface Store {
  readonly kind: string;
  readonly batches: BatchStore;
  readonly chunks: ChunkStore;
  readonly results: ResultStore;
  readonly records: RecordStore;
  readonly files: FileStore;
  readonly access: AccessStore;
  readonly events: EventStore;
  readonly outbox: OutboxStore;
  readonly streams: StreamStore;
  readonly openai: OpenAiBatchStore;
  readonly requests: RequestStore;
  readonly impact: ImpactStore;
  readonly dead: DeadStore;
  readonly failures: FailureStore;
  readonly attempts: AttemptStore;
  readonly audit: AuditStore;
  readonly alerts: AlertStore;
  readonly channels: ChannelStore;
  readonly bulk: BulkStore;
  readonly monitor: MonitorStore;
  readonly ledger: LedgerStore;
  readonly upkeep: UpkeepStore;
  /** What it uses of this process. */
  resources(): StoreResources;
  /** Writes a little, as any commit does. Throws storage_full when the store takes nothing. */
  probe(now: number): Promise<void>;
  close(): Promise<void>;
}
