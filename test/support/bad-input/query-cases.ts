import { type BadCase, forged, get, type World } from "./case.ts";

const validation = { status: 400, code: "validation_failed" };
const cursor = { status: 400, code: "invalid_cursor", says: ["start again without one"] };
const ofDone = (path: string) => (world: World) => get(`/api/batch/${world.done}/${path}`);
const filters = (value: unknown): string =>
  `/api/collections/toys?filters=${encodeURIComponent(typeof value === "string" ? value : JSON.stringify(value))}`;

/** Everything that is asked with GET: parameters, cursors, ids. */
export const QUERY_CASES: readonly BadCase[] = [
  { name: "limit 0", send: get("/api/batch/history?limit=0"), ...validation, faults: ["limit out_of_range"], says: ["from 1 to 100"] },
  {
    name: "limit 1e6, offset -1, a status nobody knows",
    send: get("/api/batch/history?limit=1e6&offset=-1&status=done"),
    ...validation,
    faults: ["limit out_of_range", "offset out_of_range", "status invalid_value"],
  },
  { name: "limit NaN", send: get("/api/batch/history?limit=NaN"), ...validation, faults: ["limit invalid_type"] },
  {
    name: "a day that is none",
    send: get("/api/batch/history?createdAfter=2026-02-30&createdBefore=yesterday"),
    ...validation,
    faults: ["createdAfter invalid_date", "createdBefore invalid_date"],
  },
  {
    name: "a parameter nobody knows",
    send: get("/api/batch/history?statsu=failed"),
    ...validation,
    faults: ["statsu unknown_field"],
    says: ["did you mean 'status'?"],
  },
  {
    name: "parameters of the prototype",
    send: get("/api/batch/history?__proto__=1&constructor=2"),
    ...validation,
    faults: ["__proto__ unknown_field", "constructor unknown_field"],
  },
  { name: "a parameter of a route without any", send: get("/api/batch/stats?limit=1"), ...validation, faults: ["limit unknown_field"] },
  {
    name: "a parameter twice",
    send: get("/api/batch/history?limit=1&limit=2"),
    status: 400,
    code: "repeated_parameter",
    says: ["'limit'"],
  },
  { name: "a parameter as a list", send: get("/api/batch/history?limit[]=1"), status: 400, code: "repeated_parameter" },
  { name: "a cursor that is none", send: get("/api/batch/history?cursor=not-a-cursor"), ...cursor },
  { name: "a cursor of another list", send: get(`/api/batch/history?cursor=${forged("files", 1, "x")}`), ...cursor },
  {
    name: "a cursor with infinity",
    send: get(`/api/batch/history?cursor=${Buffer.from('["history",1e400,"x"]').toString("base64url")}`),
    ...cursor,
  },
  {
    name: "a cursor of another batch",
    send: ofDone(`results?cursor=${forged("results batch_1_aaaaaaaaa", "successes", 1, 1)}`),
    ...cursor,
  },
  {
    name: "a cursor with a negative place",
    send: (world) => get(`/api/batch/${world.done}/results?cursor=${forged(`results ${world.done}`, "successes", 0, -1)}`),
    ...cursor,
  },
  { name: "a cursor of another collection", send: get(`/api/collections/toys?cursor=${forged("records:games", "k")}`), ...cursor },
  { name: "a cursor of files with a text for the time", send: get(`/api/files?cursor=${forged("files", "now", "x")}`), ...cursor },
  { name: "a page of 10,001 results", send: ofDone("results?limit=10001"), ...validation, faults: ["limit out_of_range"] },
  { name: "results that are maybe a success", send: ofDone("results?success=maybe"), ...validation, faults: ["success invalid_type"] },
  {
    name: "chunks from before the first",
    send: ofDone("chunks?after=-1&limit=1001"),
    ...validation,
    faults: ["after out_of_range", "limit out_of_range"],
  },
  { name: "an export without a format", send: ofDone("export"), ...validation, faults: ["format required"] },
  {
    name: "an export of results as a program",
    send: ofDone("export?format=exe"),
    ...validation,
    faults: ["format invalid_value"],
    says: ["csv, xlsx, jsonl"],
  },
  { name: "half a comparison", send: get("/api/batch/compare?a=batch_1_aaaaaaaaa"), ...validation, faults: ["b required"] },
  {
    name: "a comparison with nothing",
    send: (world) => get(`/api/batch/compare?a=${world.done}&b=batch_1_aaaaaaaaa`),
    status: 404,
    code: "batch_not_found",
  },
  {
    name: "filters that are no JSON",
    send: get(filters("{kind:toy}")),
    ...validation,
    faults: ["filters bad_json"],
    says: ["double quotes"],
  },
  { name: "filters that are a list", send: get(filters([])), ...validation, faults: ["filters invalid_type"] },
  { name: "a filter on an object", send: get(filters({ size: { width: 1 } })), ...validation, faults: ["filters.size invalid_type"] },
  { name: "a filter on __proto__", send: get(filters('{"__proto__":1}')), status: 400, code: "forbidden_key" },
  { name: "200 brackets as a filter", send: get(filters("[".repeat(200))), ...validation, faults: [" too_deep"] },
  {
    name: "900 conditions",
    send: get(filters(Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`f${i}`, 1])))),
    ...validation,
    faults: ["filters filter_too_complex"],
    says: ["has 900 conditions; at most 50"],
  },
  { name: "a collection called like a path", send: get("/api/collections/..%2f..%2fetc"), ...validation, says: ["letters, digits"] },
  { name: "a record that is not there", send: get("/api/collections/toys/none"), status: 404, code: "record_not_found" },
  { name: "an id that steps upwards", send: get("/api/batch/..%2f..%2fetc%2fpasswd"), status: 404, code: "batch_not_found" },
  { name: "an id with NUL", send: get("/api/batch/batch_1%00"), status: 404, code: "batch_not_found" },
  { name: "an id of half an escape", send: get("/api/batch/%f"), status: 404, code: "not_found" },
  { name: "an id of 3,000 characters", send: get(`/api/batch/${"a".repeat(3_000)}`), status: 404, code: "not_found" },
  { name: "an SQL statement as an id", send: get(`/api/batch/${encodeURIComponent("' OR 1=1;--")}`), status: 404, code: "batch_not_found" },
  { name: "the path of a file as its id", send: get("/api/files/..%2f..%2fbatchyard.db/content"), status: 404, code: "file_not_found" },
  { name: "dots as a file id", send: get("/api/files/%2e%2e/content"), status: 404, code: "file_not_found" },
  { name: "another tenant's batch", send: (world) => get(`/api/batch/${world.theirBatch}`), status: 404, code: "batch_not_found" },
  { name: "another tenant's file", send: (world) => get(`/api/files/${world.theirFile}/content`), status: 404, code: "file_not_found" },
  { name: "events of a batch that is not there", send: get("/api/batch/batch_1_aaaaaaaaa/events"), status: 404, code: "batch_not_found" },
  {
    name: "events of another tenant's batch",
    send: (world) => get(`/api/events?batch=${world.theirBatch}`),
    status: 404,
    code: "batch_not_found",
  },
  { name: "events of no type", send: get("/api/events?types="), ...validation, faults: ["types too_short"] },
  { name: "an address nobody serves", send: get("/api/nothing"), status: 404, code: "not_found", says: ["/api/nothing"] },
];
