import type { AttemptStore } from "../store/attempts.ts";
import type { Logger } from "pino";
import type { Backpressure } from "../batches/backpressure.ts";
import type { Bulk } from "../batches/bulk.ts";
import type { Batches } from "../batches/service.ts";
import type { EventLog, SettledItems } from "../events/port.ts";
import type { Files } from "../files/files.ts";
import type { ProviderUse } from "../executors/provider-use.ts";
import type { CacheFigures } from "../model/cache-figures.ts";
import type { Clock } from "../model/clock.ts";
import type { ProcessFigures } from "../monitor/process-figures.ts";
import type { StoreResources } from "../store/resources.ts";
import type { Registry } from "../operations/registry.ts";
import type { OpenAiService } from "../openai/service.ts";
import type { Collector } from "../requests/collector.ts";
import type { Settings } from "../settings/settings.ts";
import type {
  AccessStore,
  AuditStore,
  BatchCounts,
  EventStore,
  FailureStore,
  FileStore,
  LedgerStore,
  MonitorStore,
  RecordStore,
  ResultStore,
  StoreSpace,
} from "../store/port.ts";
import type { ExternalWorkers } from "../engine/external.ts";
import type { JobReports } from "../monitor/jobs/job-report.ts";
import type { Alerts } from "../monitor/alerts/alerts.ts";
import type { RetentionLadder } from "../monitor/retention-ladder.ts";
import type { Pipeline } from "../monitor/pipeline.ts";
import type { Breakers } from "../engine/limits/breaker.ts";
import type { DeadQueues } from "../streams/dead-queues.ts";
import type { Dashboard } from "./pages/dashboard.ts";
import type { Streams } from "../streams/service.ts";
import type { Tracing } from "../tracing/port.ts";

/** What the HTTP surface needs to know of the configuration. */
export interface ApiConfig {
  /** An admin API key taken as it is; null = none. */
  token: string | null;
  limits: {
    /** Bytes of a JSON body. */
    bodyBytes: number;
    /** Bytes of a streamed upload or a file. */
    uploadBytes: number;
    maxItems: number;
    /** Batches a credential may create in a minute. */
    createPerMinute: number;
  };
  /** Where a trace is looked at, with `{traceId}`; null = nowhere. */
  traceUrl: string | null;
  /** Origins that may show the page of a shared link in a frame. */
  frameOrigins: readonly string[];
}

export interface Health {
  ready: boolean;
  checks: Record<string, { ok: boolean; message?: string }>;
}

/** The worker of this process. */
export interface LocalWorker {
  readonly id: string;
  /** Chunks at once; what runs beyond a smaller number ends as usual. */
  slots: number;
  readonly running: number;
  /** Set: it starts no chunk until it may again. */
  draining: boolean;
  /** Milliseconds that slots have been in use since the start, added up. */
  readonly usedMs: number;
  /** Chunks that ran in this process and have left it, since the start. */
  readonly ended: number;
  runs(): readonly { tenant: string; operation: string; limited: boolean }[];
  readonly breakers: Pick<Breakers, "list" | "reset">;
  wake(): void;
  /** Takes a chunk away from whoever works on it; null = nobody does. */
  revoke(tenant: string, chunkId: number): Promise<{ batchId: string; workerId: string } | null>;
}

/** Everything behind the HTTP surface. */
export interface ApiServices {
  /** Null where it was not built. */
  dashboard: Dashboard | null;
  batches: Batches;
  bulk: Bulk;
  streams: Streams;
  openai: OpenAiService;
  collector: Collector;
  dead: DeadQueues;
  failures: FailureStore;
  alerts: Alerts;
  pressure: Backpressure;
  pipeline: Pipeline;
  jobReports: JobReports;
  monitor: MonitorStore;
  /** Batches by operation and status. */
  counts: (tenant: string) => Promise<BatchCounts>;
  retention: Pick<RetentionLadder, "read">;
  /** Bytes of the store on disk. */
  storeSize: () => Promise<number>;
  results: Pick<ResultStore, "groups">;
  engine: LocalWorker;
  files: (tenant: string) => Files;
  /** Metadata of files, for the list. */
  fileRows: Pick<FileStore, "list">;
  records: RecordStore;
  access: AccessStore;
  audit: AuditStore;
  ledger: Pick<LedgerStore, "sums">;
  attempts: Pick<AttemptStore, "ofBatch">;
  eventLog: EventLog;
  /** Where acts that change no batch are made known. */
  events: Pick<EventStore, "append" | "critical">;
  /** Results as they settle, for `batch:item_completed`; null = that event is not sent. */
  settled: SettledItems | null;
  external: Pick<ExternalWorkers, "lease" | "heartbeat" | "settle" | "roster">;
  registry: Registry;
  settings: Settings;
  config: ApiConfig;
  tracing: Pick<Tracing, "ingest">;
  /** What this process takes of its machine, what the store does with it, what caches hold, and what is used of what providers allow. */
  process: Pick<ProcessFigures, "read">;
  store: { readonly kind: string; space(): Promise<StoreSpace>; resources(): StoreResources };
  caches: () => CacheFigures[];
  providerUse: Pick<ProviderUse, "read">;
  clock: Clock;
  log: Logger;
  health(): Promise<Health>;
  version: string;
}
