import type { Asked } from "../ask.ts";
import { type BadCase, JSON_TYPE, post, type World } from "./case.ts";

const validation = { status: 400, code: "validation_failed" };
const on =
  (which: "done" | "open", action: string, body: unknown = "") =>
  (world: World): Asked =>
    post(`/api/batch/${world[which]}/${action}`, body);
const cleanup = (body: unknown, query = ""): Asked => ({ ...post(`/api/batch/cleanup${query}`, body), method: "DELETE" });
const result = { nodeId: "1", success: true };

/** What is done to batches: actions, reported results, external workers, cleanup. */
export const ACTION_CASES: readonly BadCase[] = [
  {
    name: "another priority nobody knows",
    send: on("open", "priority", { priority: "urgnt" }),
    ...validation,
    faults: ["priority invalid_value"],
  },
  { name: "no priority", send: on("open", "priority"), status: 400, code: "empty_body" },
  { name: "null as a priority request", send: on("open", "priority", "null"), ...validation },
  { name: "a priority for what is done", send: on("done", "priority", { priority: "high" }), status: 409, code: "invalid_state" },
  { name: "a retry of what is open", send: on("open", "retry", {}), status: 409, code: "invalid_state", says: ["pending", "completed"] },
  {
    name: "a retry of items that did not fail",
    send: on("done", "retry", { nodeIds: ["a", "zzz"] }),
    status: 409,
    code: "nothing_to_retry",
  },
  {
    name: "a retry of nothing",
    send: on("done", "retry", { nodeIds: [] }),
    ...validation,
    faults: ["nodeIds too_short"],
    says: ["at least 1 entries"],
  },
  {
    name: "a retry of a text",
    send: on("done", "retry", { nodeIds: "b", errorFingerprint: 5, all: true }),
    ...validation,
    faults: ["nodeIds invalid_type", "errorFingerprint invalid_type", "all unknown_field"],
  },
  { name: "a finish without a reason", send: on("open", "finish", {}), ...validation, faults: ["reason required"] },
  { name: "a finish with a novel", send: on("open", "finish", { reason: "x".repeat(1_001) }), ...validation, faults: ["reason too_long"] },
  { name: "a finish of what is done", send: on("done", "finish", { reason: "enough" }), status: 409, code: "invalid_state" },
  { name: "a cancel with a body", send: on("open", "cancel", { force: true }), ...validation, faults: ["force unknown_field"] },
  {
    name: "a cancel of what is done",
    send: on("done", "cancel"),
    status: 400,
    code: "not_cancellable",
    says: ["not found or already completed"],
  },
  { name: "a cancel of nothing", send: post("/api/batch/batch_1_aaaaaaaaa/cancel", ""), status: 400, code: "not_cancellable" },
  {
    name: "a cancel of another tenant's batch",
    send: (world) => post(`/api/batch/${world.theirBatch}/cancel`, ""),
    status: 400,
    code: "not_cancellable",
  },
  { name: "a pause of what is done", send: on("done", "pause"), status: 409, code: "invalid_state" },
  { name: "a resume of what runs", send: on("open", "resume"), status: 409, code: "invalid_state" },
  {
    name: "a quality score of 1.1",
    send: on("open", "results", { ...result, qualityScore: 1.1 }),
    ...validation,
    faults: ["qualityScore out_of_range"],
    says: ["from 0 to 1"],
  },
  {
    name: "results with every fault",
    send: on("open", "results", [
      { nodeId: "1", success: "yes" },
      { success: true },
      { nodeId: "n".repeat(513), success: true, durationMs: -1, retries: 1.5 },
      { ...result, tenant: "x" },
    ]),
    ...validation,
    faults: [
      "0.success invalid_type",
      "1.nodeId required",
      "2.nodeId too_long",
      "2.durationMs out_of_range",
      "2.retries out_of_range",
      "3.tenant unknown_field",
    ],
  },
  { name: "no results", send: on("open", "results", []), ...validation, faults: [" too_short"] },
  {
    name: "10,001 results at once",
    send: on(
      "open",
      "results",
      Array.from({ length: 10_001 }, () => result),
    ),
    ...validation,
    faults: [" too_long"],
    says: ["at most 10000 entries"],
  },
  {
    name: "a result of 1e400",
    send: on("open", "results", '{"nodeId":"1","success":true,"result":1e400}'),
    ...validation,
    faults: [" number_out_of_range"],
  },
  {
    name: "a result no double can hold",
    send: on("open", "results", '{"nodeId":"1","success":true,"result":9007199254740993}'),
    ...validation,
    faults: [" number_out_of_range"],
    says: ["send it as a string"],
  },
  {
    name: "a result of depth 8,000",
    send: on("open", "results", `{"nodeId":"1","success":true,"result":${"[".repeat(8_000)}${"]".repeat(8_000)}}`),
    ...validation,
    faults: [" too_deep"],
  },
  {
    name: "results for a batch that runs here",
    send: on("done", "results", result),
    status: 409,
    code: "invalid_state",
    says: ["executor 'external'"],
  },
  { name: "results for nothing", send: post("/api/batch/batch_1_aaaaaaaaa/results", result), status: 404, code: "batch_not_found" },
  {
    name: "a lease without a worker",
    send: post("/api/external/lease", { max: 101, leaseMs: 5 }),
    ...validation,
    faults: ["worker required", "max out_of_range", "leaseMs out_of_range"],
  },
  { name: "a heartbeat for nothing", send: post("/api/external/heartbeat", { leases: [] }), ...validation, faults: ["leases too_short"] },
  {
    name: "a heartbeat under a broken fence",
    send: post("/api/external/heartbeat", { leases: [{ chunk: 1.5, fence: -1 }] }),
    ...validation,
    faults: ["leases.0.chunk out_of_range", "leases.0.fence out_of_range"],
  },
  {
    name: "results without a lease",
    send: post("/api/external/results", { chunk: 1, fence: 999, results: [{ key: "a" }] }),
    status: 409,
    code: "lease_lost",
    says: ["drop the chunk"],
  },
  {
    name: "results of nobody",
    send: post("/api/external/results", { chunk: 1, fence: 1, results: [{}, { key: "a", category: "bad luck" }] }),
    ...validation,
    faults: ["results.0.key required", "results.1.category invalid_value"],
  },
  {
    name: "a cleanup of all batches",
    send: cleanup({ daysToKeep: 0 }),
    ...validation,
    faults: ["daysToKeep out_of_range"],
    says: ["from 1 to 365"],
  },
  { name: "a cleanup of 366 days", send: cleanup({ daysToKeep: 366 }), ...validation, faults: ["daysToKeep out_of_range"] },
  {
    name: "a cleanup of a text",
    send: cleanup({ daysToKeep: "30", dryRun: "yes" }),
    ...validation,
    faults: ["daysToKeep invalid_type", "dryRun invalid_type"],
  },
  {
    name: "a cleanup with a bad query and a bad body",
    send: cleanup({ dry_run: true }, "?daysToKeep=many"),
    ...validation,
    faults: ["daysToKeep invalid_type", "dry_run unknown_field"],
    says: ["did you mean 'dryRun'?"],
  },
  {
    name: "a key of a role nobody has",
    send: post("/api/keys", { name: "x", role: "root", tenant: "other" }),
    ...validation,
    faults: ["role invalid_value", "tenant unknown_field"],
  },
  {
    name: "a key that has ended already",
    send: post("/api/keys", { name: "x", expiresAt: "2020-01-01" }),
    ...validation,
    faults: ["expiresAt out_of_range"],
    says: ["already passed"],
  },
  {
    name: "a revocation of nothing",
    send: { method: "DELETE", path: "/api/keys/key_none", headers: JSON_TYPE },
    status: 404,
    code: "not_found",
  },
];
