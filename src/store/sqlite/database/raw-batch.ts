import type { BatchStatus } from "../../../model/moves.ts";

/** A row of `batches` as SQLite returns it. Loaded, changed and saved within one transaction. */
export interface RawBatch {
  id: string;
  tenant: string;
  operation: string;
  status: BatchStatus;
  epoch: number;
  priority: number;
  total_items: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  expired: number;
  running: number;
  retried: number;
  late: number;
  cost: number;
  /** Nano-dollars; null = it may cost what it costs. */
  budget: number | null;
  /** Nano-dollars; see src/model/job-totals.ts. */
  standard: number;
  saved: number;
  leased_chunks: number;
  open_chunks: number;
  sealed: number;
  deps_open: number;
  ready_at: number | null;
  served_at: number;
  max_leased: number | null;
  max_failures: number | null;
  announced: number;
  created_at: number;
  started_at: number | null;
  completed_at: number | null;
  deadline_at: number | null;
  executor: string;
  stream: string | null;
  stream_key: string | null;
  close_reason: string | null;
  name: string | null;
  description: string | null;
  error: string | null;
  filters: string;
  options: string;
  input: string | null;
  notify: string;
  metadata: string | null;
  depends_on: string;
  replay_of: string | null;
  tags: string;
  warnings: string;
  /** Traceparents: its own span, and after a blank the parent of that. */
  trace: string | null;
}
