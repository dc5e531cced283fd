import type { Asked } from "../ask.ts";
import { type BadCase, createText, get, JSON_TYPE, post, type World } from "./case.ts";

const STATS = "/api/batch/stats";
const good = JSON.stringify({ operation: "echo", items: [] });
const invalidKey = { status: 401, code: "invalid_key" };
const as =
  (which: keyof World["keys"]) =>
  (world: World): Asked =>
    get(STATS, { authorization: `Bearer ${world.keys[which]}` });
const raw = (...lines: string[]): { bytes: string } => ({ bytes: lines.join("\r\n") });
const notHttp = { status: 400, code: "validation_failed", says: ["not an HTTP/1.1 request"] };

/** Credentials, methods, headers, framing. */
export const DOOR_CASES: readonly BadCase[] = [
  { name: "no credential", send: get(STATS, { authorization: "" }), status: 401, code: "unauthorized", says: ["Authorization: Bearer"] },
  {
    name: "a garbled session",
    send: get(STATS, { authorization: "", cookie: "batchyard_session=%00garbled" }),
    status: 401,
    code: "unauthorized",
  },
  { name: "a key nobody has", send: get(STATS, { authorization: `Bearer by_${"x".repeat(43)}` }), ...invalidKey },
  { name: "an expired key", send: as("expired"), ...invalidKey },
  { name: "a revoked key", send: as("revoked"), ...invalidKey },
  { name: "a password", send: get(STATS, { authorization: "Basic YWRtaW46YWRtaW4=" }), ...invalidKey },
  { name: "a key of 5,000 characters", send: get(STATS, { authorization: `Bearer ${"x".repeat(5_000)}` }), ...invalidKey },
  { name: "two keys in one", send: get(STATS, { authorization: "Bearer one two" }), ...invalidKey },
  { name: "a key in the URL", send: get(`${STATS}?api_key=by_secret`), status: 400, code: "key_in_url", says: ["do not belong in a URL"] },
  {
    name: "a key in the URL under another name",
    send: get(`/healthz?x=by_${"x".repeat(43)}`, { authorization: "" }),
    status: 400,
    code: "key_in_url",
  },
  {
    name: "a role that does not suffice",
    send: (world) => ({ ...createText(good), headers: { ...JSON_TYPE, authorization: `Bearer ${world.keys.viewer}` } }),
    status: 403,
    code: "forbidden",
    says: ["role operator"],
  },
  {
    name: "an Idempotency-Key of 10 KB",
    send: createText(good, { ...JSON_TYPE, "idempotency-key": "k".repeat(10_240) }),
    status: 400,
    code: "bad_idempotency_key",
  },
  {
    name: "an Idempotency-Key with a blank",
    send: createText(good, { ...JSON_TYPE, "idempotency-key": "two words" }),
    status: 400,
    code: "bad_idempotency_key",
  },
  {
    name: "an Idempotency-Key that was used otherwise",
    send: createText(good, { ...JSON_TYPE, "idempotency-key": "used" }),
    status: 409,
    code: "idempotency_mismatch",
  },
  { name: "TRACE", send: { method: "TRACE", path: STATS }, status: 405, code: "method_not_allowed", says: ["GET, HEAD"] },
  { name: "PATCH", send: { method: "PATCH", path: STATS }, status: 405, code: "method_not_allowed" },
  { name: "DELETE where there is only GET", send: { method: "DELETE", path: STATS }, status: 405, code: "method_not_allowed" },
  { name: "a method nobody knows", send: raw("BREW /pot HTTP/1.1", "host: x", "", ""), status: 405, code: "method_not_allowed" },
  { name: "a header of 20 KB", send: get(STATS, { "x-long": "x".repeat(20_000) }), status: 431, code: "header_too_large" },
  {
    name: "two lengths",
    send: raw("POST /api/batch/create HTTP/1.1", "host: x", "content-length: 2", "content-length: 3", "", "{}"),
    ...notHttp,
  },
  {
    name: "a length and chunks",
    send: raw("POST /api/batch/create HTTP/1.1", "host: x", "content-length: 2", "transfer-encoding: chunked", "", "0", "", ""),
    ...notHttp,
  },
  {
    name: "a chunk whose length is no number",
    send: raw(
      "POST /api/batch/create HTTP/1.1",
      "host: x",
      "authorization: ADMIN",
      "content-type: application/json",
      "transfer-encoding: chunked",
      "",
      "zz",
      "{}",
      "0",
      "",
      "",
    ),
    ...notHttp,
  },
  { name: "a version nobody speaks", send: raw("GET / HTTP/9.9", "host: x", "", ""), ...notHttp },
  {
    name: "no Host",
    send: raw("GET /healthz HTTP/1.1", "connection: close", "", ""),
    status: 400,
    code: "validation_failed",
    says: ["Host is missing"],
  },
  { name: "TLS at a plain port", send: raw("\u0016\u0003\u0001 hello", "", ""), status: 405, code: "method_not_allowed" },
  {
    name: "a JSON body that breaks off",
    send: {
      ...raw(
        "POST /api/batch/create HTTP/1.1",
        "host: x",
        "authorization: ADMIN",
        "content-type: application/json",
        "content-length: 500",
        "",
        good,
      ),
      breakOff: true,
    },
    status: 0,
    code: "",
  },
  {
    name: "an upload that breaks off",
    send: {
      ...raw(
        "POST /api/batch/create?stream=1 HTTP/1.1",
        "host: x",
        "authorization: ADMIN",
        "content-type: application/x-ndjson",
        "transfer-encoding: chunked",
        "",
        "15",
        '{"operation":"echo"}\n',
        "5",
        '{"a":',
        "",
      ),
      breakOff: true,
    },
    status: 0,
    code: "",
  },
  {
    name: "a file that breaks off",
    send: {
      ...raw(
        "POST /api/files?filename=x.csv HTTP/1.1",
        "host: x",
        "authorization: ADMIN",
        "content-type: text/csv",
        "content-length: 500",
        "",
        "id\n1\n",
      ),
      breakOff: true,
    },
    status: 0,
    code: "",
  },
  {
    name: "a form that breaks off",
    send: {
      ...raw(
        "POST /api/files HTTP/1.1",
        "host: x",
        "authorization: ADMIN",
        "content-type: multipart/form-data; boundary=b",
        "content-length: 500",
        "",
        "--b",
        'content-disposition: form-data; name="f"; filename="x.csv"',
        "",
        "id",
      ),
      breakOff: true,
    },
    status: 0,
    code: "",
  },
  {
    name: "a sign-in from nowhere",
    send: post("/signin", "key=by_x", { "content-type": "application/x-www-form-urlencoded", authorization: "" }),
    status: 403,
    code: "cross_site_request",
  },
];
