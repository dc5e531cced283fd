import type { z } from "zod";
import type * as access from "../api/contract/access.ts";
import type * as batches from "../api/contract/batch.ts";
import type * as costs from "../api/contract/costs.ts";
import type * as previews from "../api/contract/preview.ts";
import type * as replays from "../api/contract/replay.ts";
import type * as requests from "../api/contract/requests.ts";
import type * as results from "../api/contract/results.ts";
import type * as streams from "../api/contract/streams.ts";
import type * as settings from "../api/contract/settings.ts";
import type * as stored from "../api/contract/stored.ts";

/** What the HTTP contract says, as types only: neither the schemas nor zod are in a client's bundle. */

export type Batch = z.output<typeof batches.batch>;
export type BatchStatus = Batch["status"];
export type Priority = Batch["priority"];
export type CreateRequest = z.input<typeof batches.createRequest>;
export type ReplayRequest = z.input<typeof replays.replayBody>;
export type HistoryQuery = z.input<typeof batches.historyQuery>;
/** Orders of a list; by creation, newest first, without them. */
export type Sorting = Pick<HistoryQuery, "sort" | "order">;
export type ListExport = z.input<typeof batches.listExportBody>;
export type HistoryPage = Omit<z.output<typeof batches.historyAnswer>, "success">;
export type ActivePage = Omit<z.output<typeof batches.activeAnswer>, "success">;
export type Stats = z.output<typeof batches.statsAnswer>["stats"];
export type Why = Omit<z.output<typeof batches.whyAnswer>, "success">;
export type DryRun = Omit<z.output<typeof batches.dryRunAnswer>, "success">;
export type OperationInfo = z.output<typeof batches.operationsAnswer>["operations"][number];

export type BatchItemResult = z.output<typeof results.itemResult>;
export type ReportedResult = z.input<typeof results.reportedResult>;
export type Recorded = Omit<z.output<typeof results.recordAnswer>, "success">;
export type Summary = results.Summary;
export type ResultsPage = Omit<z.output<typeof results.resultsAnswer>, "success">;
export type ResultsQuery = Pick<z.input<typeof results.resultsQuery>, "success" | "error" | "nodeId">;
export type ErrorGroup = z.output<typeof results.errorsAnswer>["groups"][number];
export type Visualization = results.Visualization;
export type CompareQuery = Omit<z.input<typeof results.compareQuery>, "a" | "b">;
export type Comparison = Omit<z.output<typeof results.compareAnswer>, "success">;
export type Reconciliation = z.output<typeof results.reconcileAnswer>["reconciliation"];
export type ExportQuery = z.input<typeof results.exportQuery>;

export type FileInfo = z.output<typeof stored.file>;
export type FilesPage = Omit<z.output<typeof stored.filesAnswer>, "success">;
export type CollectionInfo = z.output<typeof stored.collectionsAnswer>["collections"][number];
export type CollectionRecord = z.output<typeof stored.storedRecord>;
export type RecordsQuery = z.input<typeof stored.recordsQuery>;
export type RecordsPage = Omit<z.output<typeof stored.recordsAnswer>, "success">;

export type CostsQuery = z.input<typeof costs.costsQuery>;
export type Costs = Omit<z.output<typeof costs.costsAnswer>, "success">;

export type Settings = z.output<typeof settings.settingsAnswer>;
export type SettingsPatch = Record<string, Record<string, number | boolean | string | readonly string[]>>;

export type Role = z.output<typeof access.role>;
export type ApiKey = z.output<typeof access.apiKey>;
export type NewApiKey = z.input<typeof access.newKeyBody>;

export type Stream = z.output<typeof streams.stream>;
export type OpenWindow = z.output<typeof streams.openWindow>;
export type PushAnswer = Omit<z.output<typeof streams.itemsAnswer>, "success">;

export type PreviewRequest = z.input<typeof previews.previewBody>;
export interface SettingsPreviewRequest extends Pick<NonNullable<PreviewRequest>, "since" | "sweep"> {
  /** As in a change; nothing is changed. */
  patch: SettingsPatch;
}
export type Preview = Omit<z.output<typeof previews.previewAnswer>, "success">;
export type PreviewHistory = z.output<typeof previews.previewHistoryAnswer>["changes"];

export type NewSingleRequest = z.input<typeof requests.singleRequest>;
/** A request without its answer. */
export type RequestState = z.output<typeof requests.cancelledAnswer>["request"];
export type CollectedRequest = z.output<typeof requests.requestAnswer>["request"];
export interface TakenRequests {
  accepted: number;
  /** The first 1,000 of them. */
  rejected: { index: number; code: string; message: string }[];
  rejectedCount: number;
  requests: RequestState[];
}
export type RequestsQuery = z.input<typeof requests.requestsQuery>;
export type RequestsPage = Omit<z.output<typeof requests.requestsAnswer>, "success">;
export type CollectorState = z.output<typeof requests.collectorAnswer>["collector"];
