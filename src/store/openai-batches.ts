import type { OpenAiStatus } from "../model/openai-moves.ts";

/** Batches of the /v1 surface: what an OpenAI client sees of an internal batch. Part of the port; see port.ts for its general rules. */

/** A fault of an input file. `line` is 1-based; null = the file as a whole. */
export interface OpenAiFault {
  code: string;
  line: number | null;
  message: string;
  param: string | null;
}

/** Tokens, summed over the lines that were answered. */
export interface OpenAiUsage {
  input: number;
  cachedInput: number;
  output: number;
  reasoningOutput: number;
  total: number;
}

export interface OpenAiBatchRow {
  id: string;
  tenant: string;
  status: OpenAiStatus;
  endpoint: string;
  inputFileId: string;
  metadata: Record<string, string> | null;
  /** How long the files it writes are kept, seconds. */
  outputExpiresAfter: number;
  /** What a create that is sent again has in common with the first. */
  fingerprint: string;
  /** The internal batch that runs its lines; it exists from in_progress on. */
  batchId: string;
  /** The request that created it; null = it belongs to no trace. */
  traceparent: string | null;
  /** The model of all lines; null before validation, and when they name several. */
  model: string | null;
  errors: OpenAiFault[] | null;
  usage: OpenAiUsage | null;
  /** Lines. While the batch runs, the internal batch knows better. */
  total: number;
  completed: number;
  failed: number;
  outputFileId: string | null;
  errorFileId: string | null;
  createdAt: number;
  /** What has not ended by then never will. */
  expiresAt: number;
  inProgressAt: number | null;
  finalizingAt: number | null;
  completedAt: number | null;
  failedAt: number | null;
  expiredAt: number | null;
  cancellingAt: number | null;
  cancelledAt: number | null;
}

export type NewOpenAiBatch = Pick<
  OpenAiBatchRow,
  | "id"
  | "tenant"
  | "endpoint"
  | "inputFileId"
  | "metadata"
  | "outputExpiresAfter"
  | "fingerprint"
  | "batchId"
  | "traceparent"
  | "createdAt"
  | "expiresAt"
>;

/** What a move may bring with it. */
export type OpenAiChange = Partial<
  Pick<OpenAiBatchRow, "model" | "errors" | "usage" | "total" | "completed" | "failed" | "outputFileId" | "errorFileId">
>;

/** A message that goes into the outbox in the same step. */
export interface OutboxDraft {
  channel: string;
  /** Unique: a repeated insert is ignored. */
  dedupeKey: string;
  /** Key of the message that has to be delivered, or given up, before this one is sent; one that is not in the outbox holds nothing up. */
  follows?: string | undefined;
  subject: string;
  body: string;
}

export interface OpenAiBatchStore {
  /** In state validating. */
  insert(batch: NewOpenAiBatch): Promise<void>;
  get(tenant: string, id: string): Promise<OpenAiBatchRow | null>;
  /** Newest first (created_at, id); `before` is the place of the last row seen. */
  list(tenant: string, page: { before: { createdAt: number; id: string } | null; limit: number }): Promise<OpenAiBatchRow[]>;
  /** The newest batch with this fingerprint that was created at `since` or later. */
  repeated(tenant: string, fingerprint: string, since: number): Promise<OpenAiBatchRow | null>;
  /** Every batch that is not final, of all tenants, oldest first. */
  open(): Promise<{ tenant: string; id: string }[]>;
  /** Moves a batch along OPENAI_MOVES and stamps the state it gets into. Null when it is in no state that leads there. */
  move(
    tenant: string,
    id: string,
    to: OpenAiStatus,
    step: { change: OpenAiChange; messages: readonly OutboxDraft[]; now: number },
  ): Promise<OpenAiBatchRow | null>;
  /** Removes final batches created before `before`, at most `limit`. */
  remove(before: number, limit: number): Promise<number>;
}
