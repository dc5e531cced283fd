import type { Clock } from "../../model/clock.ts";
import type { NanoUsd } from "../../model/money.ts";
import type { Providers } from "../../providers/providers.ts";
import type { AttemptRow, AttemptStore } from "../../store/attempts.ts";
import type { ChunkStore, EventStore } from "../../store/port.ts";
import type { Spend } from "../port.ts";
import type { AttemptFiles } from "./files.ts";
import type { TokenBudget } from "./token-budget.ts";

/** Moments between two steps at which a process may die; tests let it. */
export type CrashPoint =
  | "file_written"
  | "prepared"
  | "upload_answered"
  | "uploaded"
  | "create_sent"
  | "create_answered"
  | "accepted"
  | "reconciled"
  | "cancel_sent"
  | "ended"
  | "downloaded"
  | "collected"
  | "settled"
  | "booked"
  | "closed";

/** What can be set, read whenever it is needed. */
export interface BatchApiSettings {
  /** False: nothing new is sent; what is upstream is still collected. */
  enabled: boolean;
  /** Cron: when batches that take long are looked at. */
  statusCheckInterval: string;
  /** Cron: when results of ended batches are fetched. */
  resultProcessingInterval: string;
  timeoutHours: number;
}

/** What everything that moves attempts shares. */
export interface Desk {
  readonly attempts: AttemptStore;
  readonly chunks: Pick<ChunkStore, "wake">;
  readonly events: Pick<EventStore, "append">;
  readonly providers: Providers;
  readonly files: AttemptFiles;
  readonly budget: TokenBudget;
  readonly clock: Clock;
  /** 0 ≤ x < 1; jitter. */
  readonly random: () => number;
  /** Who leases attempts here: the same after a restart of this place. */
  readonly owner: string;
  /** Of this installation, as the provider's metadata shows it. */
  readonly instance: string;
  settings(): BatchApiSettings;
  /** Prompt tokens of a request, and what it costs at most at the batch price; null = no price is known. */
  estimate(provider: string, body: Record<string, unknown>): { promptTokens: number; paid: NanoUsd | null };
  /** Books what no result stands for. */
  book(attempt: AttemptRow, spends: readonly (Spend & { customId: string })[]): Promise<void>;
  /** The span of the batch in its trace, for requests on its behalf; null = it belongs to none. */
  traceparent(tenant: string, batchId: string): Promise<string | null>;
  failed(error: unknown): void;
  crashPoint(name: CrashPoint): Promise<void> | void;
}
