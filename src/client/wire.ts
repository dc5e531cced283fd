/**
 * What the HTTP API answers, as types only: nothing of this file is in a bundle. Times are ISO 8601 UTC.
 */

export type BatchStatus = "pending" | "running" | "paused" | "completed" | "failed" | "cancelled" | "expired";
export type Priority = "low" | "normal" | "high" | "critical";

export interface Batch {
  id: string;
  operation: string;
  status: BatchStatus;
  /** Whole percent; 100 only when the batch has ended. */
  progress: number;
  created_at: string;
  started_at?: string | null;
  completed_at?: string | null;
  total_items: number;
  processed_items: number;
  succeeded_items: number;
  failed_items: number;
  retried_items?: number;
  filters?: Record<string, unknown>;
  options?: Record<string, unknown>;
  name?: string | null;
  description?: string | null;
  priority?: Priority;
  stream?: string | null;
  key?: string | null;
  close_reason?: string | null;
  executor?: string | null;
  epoch?: number;
  depends_on?: string[];
  eta_at?: string | null;
  items_per_second?: number | null;
  /** US dollars. */
  cost?: number | null;
  error?: string | null;
}

export interface CreateRequest {
  operation: string;
  filters?: Record<string, unknown>;
  options?: Record<string, unknown>;
  name?: string;
  description?: string;
  input?: { file_id: string } | { collection: string };
  total_items?: number;
  priority?: Priority;
  depends_on?: string[];
  metadata?: Record<string, unknown>;
}

export interface BatchItemResult {
  nodeId: string;
  success: boolean;
  result?: unknown;
  error?: string;
  errorCode?: string;
  retries: number;
  durationMs?: number;
  /** 0..1 */
  qualityScore?: number;
  /** US dollars. */
  cost?: number;
  createdAt: string;
}

export type ReportedResult = Omit<BatchItemResult, "createdAt" | "retries"> & { retries?: number };

export interface Summary {
  total: number;
  successful: number;
  failed: number;
  qualityScore?: number | null;
  performanceMetrics: {
    averageDuration: number;
    totalDuration: number;
    requestsPerMinute: number;
    wallClockItemsPerMinute?: number | null;
  };
}

export interface ResultsPage {
  batch: Batch & { results: BatchItemResult[]; summary: Summary };
  nextCursor: string | null;
}

export interface ResultsQuery {
  success?: boolean;
  /** Part of the error text. */
  error?: string;
  nodeId?: string;
}

export interface Visualization {
  batchId: string;
  overview: {
    total: number;
    successful: number;
    failed: number;
    pending: number;
    successRate: number;
    averageDuration: number;
    estimatedCompletion: string | null;
  };
  timeline: { timestamp: string; successful: number; failed: number; pending: number; progress: number }[];
  errorDistribution: { error: string; count: number; percentage: number; examples: string[] }[];
  qualityDistribution: { range: string; count: number; percentage: number; averageScore: number }[];
  performanceMetrics: Record<string, number | null>;
  statusBreakdown: Record<string, number>;
  operationMetrics: { itemsPerMinute: number | null; estimatedTimeRemaining: number | null; peakThroughput: number | null };
}

export interface ErrorGroup {
  fingerprint: string;
  error: string;
  code: string;
  category: string;
  count: number;
  percentage: number;
  firstSeen: string;
  lastSeen: string;
  examples: string[];
}

export interface Why {
  state: BatchStatus;
  reasons: {
    code: string;
    message: string;
    since: string | null;
    chunks?: number;
    worker?: string;
    nextRetryAt?: string;
    blockedBy?: string[];
  }[];
  eta: string | null;
}

export interface HistoryQuery {
  operation?: string;
  status?: BatchStatus;
  createdAfter?: string;
  createdBefore?: string;
  name?: string;
  stream?: string;
  tag?: string;
  limit?: number;
  offset?: number;
  cursor?: string;
}

export interface HistoryPage {
  batches: Batch[];
  count: number;
  filter: Record<string, unknown>;
  total: number;
  nextCursor: string | null;
}

export interface Stats {
  total: number;
  byStatus: Record<string, number>;
  byOperation: Record<string, number>;
  completionRate: number;
}

export interface FileInfo {
  id: string;
  name: string;
  bytes: number;
  [field: string]: unknown;
}

export interface CollectionRecord {
  key: string;
  data: Record<string, unknown>;
  [field: string]: unknown;
}

export interface OperationInfo {
  name: string;
  description: string;
  /** JSON Schema of the operation's options. */
  options: Record<string, unknown>;
  [field: string]: unknown;
}
