import type { Role } from "../../src/store/port.ts";
import { type Asked, formed } from "./ask.ts";

/** Ids of things of one tenant, or ids that nobody has. */
export interface Things {
  batch: string;
  /** The key of the batch's only item. */
  item: string;
  file: string;
  /** A batch of the OpenAI surface. */
  openai: string;
  record: string;
  key: string;
  /** A single request that waits. */
  request: string;
  /** A stream with an open window and a dead letter. */
  stream: string;
  /** A leased chunk and the fence of its lease. */
  chunk: number;
  fence: number;
}

export interface Guarded {
  /** The least role that may call; `public` = everybody. */
  need: Role | "public";
  /** Asks for things by their ids, in the path, the query and the body. Absent = the route names no thing of a tenant. */
  about?: (things: Things) => Omit<Asked, "method">[];
  /** A good JSON body; null = takes no JSON body. A field nobody knows is added to it. */
  body: Record<string, unknown> | null;
  /** The body is data to keep: any field is a good one. */
  open?: true;
  /** Only for the admin of the tenant whose server it is. */
  home?: true;
  /** Never answers to its end. */
  endless?: true;
}

const read = (about?: Guarded["about"]): Guarded => ({ need: "viewer", body: null, ...(about === undefined ? {} : { about }) });
const ofBatch = (rest: string): Guarded => read(({ batch }) => [{ path: `/api/batch/${batch}${rest}` }]);
const action = (name: string, body: Record<string, unknown> = {}): Guarded => ({
  need: "operator",
  body,
  about: ({ batch }) => [formed(`/api/batch/${batch}/${name}`, body)],
});
const onJob = (name: string, body: Record<string, unknown> = {}): Guarded => ({
  need: "admin",
  body,
  about: ({ batch }) => [formed(`/api/admin/batch-monitoring/${batch}/${name}`, body)],
});
const ofStream = (rest: string): Guarded => read(({ stream }) => [{ path: `/api/streams/${stream}${rest}` }]);
/** An act on a stream; `body` null = the route takes none. */
const actOnStream = (rest: string, body: Record<string, unknown> | null): Guarded => ({
  need: "operator",
  body,
  about: ({ stream }) => {
    const path = `/api/streams/${stream}${rest}`;
    return [body === null ? { path } : formed(path, body)];
  },
});
const validResult = { nodeId: "1", success: true };

/**
 * Every route: who may call it, how another tenant's things are asked for, what a good body is. The tests read /openapi.json
 * beside it: a route without a line here fails, and so does a line without a route.
 */
export const GUARDED: Readonly<Record<string, Guarded>> = {
  "POST /api/batch/create": {
    need: "operator",
    body: { operation: "echo", items: [{ id: "1" }] },
    about: ({ batch, file }) => [
      formed("/api/batch/create", { operation: "echo", items: [], depends_on: [batch] }),
      formed("/api/batch/create", { operation: "echo", input: { file_id: file } }),
    ],
  },
  "GET /api/batch/history": read(),
  // Whose batches are not there are left out; see src/api/routes/batches.test.ts.
  "POST /api/batch/export": { need: "viewer", body: {} },
  // Of every tenant its own; see src/api/routes/bulk.test.ts.
  "POST /api/batch/bulk": { need: "operator", body: { action: "cancel", filter: {}, dryRun: true } },
  "GET /api/batch/bulk": { need: "operator", body: null },
  "GET /api/batch/bulk/{id}": { need: "operator", body: null },
  "POST /api/batch/bulk/{id}/cancel": { need: "operator", body: {} },
  "GET /api/batch/active": read(),
  "GET /api/batch/stats": read(),
  "GET /api/batch/operations": read(),
  "DELETE /api/batch/cleanup": { need: "admin", body: { daysToKeep: 30 } },
  "GET /api/batch/compare": read(({ batch }) => [{ path: `/api/batch/compare?a=${batch}&b=${batch}` }]),
  "GET /api/batch/{id}": ofBatch(""),
  "GET /api/batch/{id}/why": ofBatch("/why"),
  "GET /api/batch/{id}/results": ofBatch("/results"),
  "GET /api/batch/{id}/viz": ofBatch("/viz"),
  "GET /api/batch/{id}/errors": ofBatch("/errors"),
  "GET /api/batch/{id}/export": read(({ batch }) =>
    ["csv", "xlsx", "jsonl"].map((format) => ({ path: `/api/batch/${batch}/export?format=${format}` })),
  ),
  "GET /api/batch/{id}/chunks": ofBatch("/chunks"),
  "GET /api/batch/{id}/reconcile": ofBatch("/reconcile"),
  "GET /api/batch/{id}/items/{nodeId}": read(({ batch, item }) => [{ path: `/api/batch/${batch}/items/${item}` }]),
  "GET /api/batch/{id}/events": { ...ofBatch("/events"), endless: true },
  "GET /api/events": { ...read(({ batch }) => [{ path: `/api/events?batch=${batch}` }]), endless: true },
  "GET /api/events/log": read(),
  "GET /api/events/stats": read(),
  "GET /api/events/registry": read(),
  "GET /api/v1/settings": read(),
  "GET /api/v1/settings/table": read(),
  "POST /api/v1/settings/check": { need: "admin", body: {}, open: true },
  "PATCH /api/v1/settings": { need: "admin", body: {}, open: true },
  // Of the caller's own detections.
  "POST /api/v1/settings/preview": { need: "operator", body: { batch: { window_seconds: 100 } }, open: true },
  "POST /api/batch/{id}/results": action("results", validResult),
  "POST /api/batch/{id}/pause": action("pause"),
  "POST /api/batch/{id}/resume": action("resume"),
  "POST /api/batch/{id}/priority": action("priority", { priority: "high" }),
  "POST /api/batch/{id}/retry": action("retry"),
  "POST /api/batch/{id}/replay": action("replay", { items: "all" }),
  "POST /api/batch/{id}/finish": action("finish", { reason: "enough" }),
  "POST /api/batch/{id}/cancel": action("cancel"),
  "POST /api/batch/{id}/share": action("share", {}),
  "GET /api/batch/{id}/share": { ...ofBatch("/share"), need: "operator" },
  "DELETE /api/batch/{id}/share/{link}": {
    need: "operator",
    body: null,
    about: ({ batch, key }) => [{ path: `/api/batch/${batch}/share/${key}` }],
  },
  "GET /shared/{id}": { need: "public", body: null },
  "POST /api/files": { need: "operator", body: null },
  "GET /api/files": read(),
  "GET /api/files/{id}": read(({ file }) => [{ path: `/api/files/${file}` }]),
  "GET /api/files/{id}/content": read(({ file }) => [{ path: `/api/files/${file}/content` }]),
  "DELETE /api/files/{id}": { need: "operator", body: null, about: ({ file }) => [{ path: `/api/files/${file}` }] },
  "GET /api/collections": read(),
  "GET /api/collections/{name}": read(),
  "GET /api/collections/{name}/{key}": read(({ record }) => [{ path: `/api/collections/toys/${record}` }]),
  // Writing under another tenant's key makes a record of one's own; see the test of lists.
  "PUT /api/collections/{name}/{key}": { need: "operator", body: { any: "thing" }, open: true },
  "DELETE /api/collections/{name}/{key}": {
    need: "operator",
    body: null,
    about: ({ record }) => [{ path: `/api/collections/toys/${record}` }],
  },
  "GET /api/streams": read(),
  "GET /api/streams/{name}": ofStream(""),
  // Writing under another tenant's name makes a stream of one's own; see the test of lists.
  "PUT /api/streams/{name}": { need: "operator", body: { operation: "echo", maxItems: 10 } },
  "DELETE /api/streams/{name}": { need: "operator", body: null, about: ({ stream }) => [{ path: `/api/streams/${stream}` }] },
  "POST /api/streams/{name}/items": { ...actOnStream("/items", { id: "1" }), open: true },
  // Every tenant has its own stream of this name.
  "POST /api/detections": { need: "operator", body: { detection_id: 1, camera_id: "gate" }, open: true },
  "GET /api/streams/{name}/windows": ofStream("/windows"),
  "POST /api/streams/{name}/flush": actOnStream("/flush", { key: "k" }),
  "POST /api/streams/{name}/pause": actOnStream("/pause", null),
  "POST /api/streams/{name}/resume": actOnStream("/resume", null),
  "POST /api/streams/{name}/preview": actOnStream("/preview", { maxItems: 5 }),
  "GET /api/streams/{name}/preview/history": ofStream("/preview/history"),
  "GET /api/streams/{name}/dead-letters": ofStream("/dead-letters"),
  "POST /api/streams/{name}/dead-letters/requeue": actOnStream("/dead-letters/requeue", { limit: 1 }),
  "POST /api/requests": { need: "operator", body: { jobType: "tags", model: "batchyard-local", prompt: "A red car" } },
  "GET /api/requests": read(),
  "GET /api/requests/{id}": read(({ request }) => [{ path: `/api/requests/${request}` }]),
  "DELETE /api/requests/{id}": { need: "operator", body: null, about: ({ request }) => [{ path: `/api/requests/${request}` }] },
  // Every tenant has its own collector.
  "GET /api/requests/collector": read(),
  "POST /api/requests/collector/pause": { need: "operator", body: {} },
  "POST /api/requests/collector/resume": { need: "operator", body: {} },
  "GET /api/costs": read(),
  "GET /api/costs/budgets": read(),
  "GET /api/dlq/stats": read(),
  "GET /api/dlq/jobs/{queue}": read(({ stream }) => [{ path: `/api/dlq/jobs/${stream}` }]),
  "POST /api/dlq/requeue/{queue}": {
    need: "operator",
    body: { limit: 1 },
    about: ({ stream }) => [formed(`/api/dlq/requeue/${stream}`, { limit: 1 })],
  },
  "DELETE /api/dlq/{queue}": { need: "admin", body: { reason: "overflow" }, about: ({ stream }) => [{ path: `/api/dlq/${stream}` }] },
  "GET /api/system/pipeline": read(),
  "GET /api/system/overview": read(),
  "GET /api/system/history": read(),
  "GET /api/system/flow": read(({ stream }) => [{ path: `/api/system/flow?stream=${stream}` }]),
  "GET /api/system/failures": read(),
  "GET /api/system/metrics": read(),
  "GET /api/system/markers": read(),
  "GET /api/system/clock": read(),
  "GET /api/system/alerts": read(),
  "GET /api/system/retention": read(),
  "GET /api/system/resources": read(),
  "GET /api/system/failures/groups": read(),
  "GET /api/system/failures/mutes": read(),
  // A fingerprint is that of a sentence and the same in every tenant; see src/api/routes/failures.test.ts.
  "PUT /api/system/failures/mutes/{fingerprint}": { need: "operator", body: { reason: "known" } },
  "DELETE /api/system/failures/mutes/{fingerprint}": { need: "operator", body: null },
  "GET /api/streams/{name}/keys": ofStream("/keys"),
  "GET /api/queues/status": read(),
  "GET /api/system/pipeline-latency": read(),
  "GET /api/system/pipeline-latency/history": read(),
  "GET /api/system/workers": read(),
  "GET /api/system/workers/chunks": read(),
  "POST /api/system/workers/{id}/drain": { need: "admin", body: null },
  "POST /api/system/workers/{id}/resize": { need: "admin", body: { slots: 2 } },
  "DELETE /api/system/workers/chunks/{chunk}": {
    need: "admin",
    body: null,
    about: ({ chunk }) => [{ path: `/api/system/workers/chunks/${chunk}` }],
  },
  "POST /api/system/workers/{id}/resume": { need: "admin", body: null },
  // Operations, and so their breakers, are the server's; whose error it was is not told to others.
  "GET /api/system/breakers": read(),
  "POST /api/system/breakers/{name}/reset": { need: "admin", body: null },
  "GET /api/admin/batch-monitoring": { need: "admin", body: null },
  ...Object.fromEntries(
    ["/api/admin/audit", "/api/admin/batch-monitoring/audit"].flatMap((base) =>
      ["", "/verify", "/export"].map((rest): [string, Guarded] => [`GET ${base}${rest}`, { need: "admin", body: null }]),
    ),
  ),
  ...Object.fromEntries(
    ["/api/admin/audit", "/api/admin/batch-monitoring/audit"].map((base): [string, Guarded] => [
      `POST ${base}/anchor`,
      { need: "admin", home: true, body: { reason: "moved" } },
    ]),
  ),
  "GET /api/admin/batch-monitoring/analysis/errors": { need: "admin", body: null },
  "GET /api/admin/batch-monitoring/analysis/slow": { need: "admin", body: null },
  "GET /api/admin/batch-monitoring/analysis/sizes": { need: "admin", body: null },
  "GET /api/admin/batch-monitoring/alerts": { need: "admin", body: null },
  "POST /api/admin/batch-monitoring/alerts": { need: "admin", body: {} },
  // Alerts, silences, rules and channels have names of their own in every tenant; see src/api/routes/alerts.test.ts.
  "POST /api/admin/batch-monitoring/alerts/{id}/ack": { need: "admin", body: {} },
  "GET /api/admin/batch-monitoring/silences": { need: "admin", body: null },
  "POST /api/admin/batch-monitoring/silences": { need: "admin", body: { minutes: 5 } },
  "DELETE /api/admin/batch-monitoring/silences/{id}": { need: "admin", body: null },
  "GET /api/admin/batch-monitoring/rules": { need: "admin", body: null },
  "POST /api/admin/batch-monitoring/rules": { need: "admin", body: { name: "mine", kind: "batchFailure" } },
  "POST /api/admin/batch-monitoring/rules/preview": { need: "admin", body: { name: "mine", kind: "batchFailure" } },
  "DELETE /api/admin/batch-monitoring/rules/{name}": { need: "admin", body: null },
  "POST /api/admin/batch-monitoring/rules/recommended": { need: "admin", body: {} },
  "GET /api/admin/batch-monitoring/channels": { need: "admin", body: null },
  "PUT /api/admin/batch-monitoring/channels/{name}": { need: "admin", body: { slack: "https://hooks.example.com/a" } },
  "DELETE /api/admin/batch-monitoring/channels/{name}": { need: "admin", body: null },
  "POST /api/admin/batch-monitoring/channels/{name}/test": { need: "admin", body: {} },
  // Of every tenant its own; see src/api/routes/bulk.test.ts.
  "POST /api/admin/batch-monitoring/bulk": { need: "admin", body: { action: "cancel", filter: {}, dryRun: true } },
  "GET /api/admin/batch-monitoring/bulk": { need: "admin", body: null },
  "GET /api/admin/batch-monitoring/bulk/{id}": { need: "admin", body: null },
  "POST /api/admin/batch-monitoring/bulk/{id}/cancel": { need: "admin", body: {} },
  "POST /api/admin/batch-monitoring/{id}/retry": onJob("retry"),
  "POST /api/admin/batch-monitoring/{id}/cancel": onJob("cancel"),
  "POST /api/admin/batch-monitoring/{id}/pause": onJob("pause"),
  "POST /api/admin/batch-monitoring/{id}/resume": onJob("resume"),
  "POST /api/admin/batch-monitoring/{id}/priority": onJob("priority", { priority: "high" }),
  "POST /api/external/lease": { need: "operator", body: { worker: "w" } },
  "POST /api/external/heartbeat": {
    need: "operator",
    body: { leases: [{ chunk: 1, fence: 1 }] },
    about: ({ chunk, fence }) => [formed("/api/external/heartbeat", { leases: [{ chunk, fence }] })],
  },
  "POST /api/external/results": {
    need: "operator",
    body: { chunk: 1, fence: 1, results: [] },
    about: ({ chunk, fence, item }) => [formed("/api/external/results", { chunk, fence, results: [{ key: item, result: "stolen" }] })],
  },
  // A batch over another tenant's file is one of one's own that fails; see the story of the OpenAI surface.
  "POST /v1/files": { need: "operator", body: null },
  "GET /v1/files": read(),
  "GET /v1/files/{id}": read(({ file }) => [{ path: `/v1/files/${file}` }]),
  "GET /v1/files/{id}/content": read(({ file }) => [{ path: `/v1/files/${file}/content` }]),
  "DELETE /v1/files/{id}": { need: "operator", body: null, about: ({ file }) => [{ path: `/v1/files/${file}` }] },
  "POST /v1/batches": {
    need: "operator",
    body: { input_file_id: "file-none", endpoint: "/v1/chat/completions", completion_window: "24h" },
  },
  "GET /v1/batches": read(({ openai }) => [{ path: `/v1/batches?after=${openai}` }]),
  "GET /v1/batches/{id}": read(({ openai }) => [{ path: `/v1/batches/${openai}` }]),
  "POST /v1/batches/{id}/cancel": { need: "operator", body: null, about: ({ openai }) => [{ path: `/v1/batches/${openai}/cancel` }] },
  "GET /v1/models": read(),
  "GET /signin": { need: "public", body: null },
  "POST /signin": { need: "public", body: null },
  "GET /api/session": read(),
  "POST /api/session/link": { need: "viewer", body: {} },
  "POST /api/session/logout": { need: "viewer", body: {} },
  "GET /api/keys": { need: "admin", body: null },
  "POST /api/keys": { need: "admin", body: { name: "ci" } },
  "DELETE /api/keys/{id}": { need: "admin", body: null, about: ({ key }) => [{ path: `/api/keys/${key}` }] },
  "GET /metrics": read(),
  "GET /healthz": { need: "public", body: null },
  "GET /readyz": { need: "public", body: null },
  "GET /openapi.json": read(),
  "GET /docs": read(),
  "GET /": read(),
  "GET /batches": read(),
  "GET /batches/{id}": read(),
  "GET /streams": read(),
  "GET /streams/{name}": read(),
  "GET /flow": read(),
  "GET /workers": read(),
  "GET /failures": read(),
  "GET /alerts": read(),
  "GET /history": read(),
  "GET /costs": read(),
  "GET /events": read(),
  "GET /audit": read(),
  "GET /settings": read(),
  "GET /assets/{file}": { need: "public", body: null },
};
