import type { Asked } from "../ask.ts";
import { type BadCase, JSON_TYPE } from "./case.ts";

const validation = { status: 400, code: "validation_failed" };
const put = (path: string, body: string, headers: Asked["headers"] = JSON_TYPE): Asked => ({
  method: "PUT",
  path: `/api/collections/${path}`,
  headers,
  body,
});
const file = (query: string, body: string, headers: Asked["headers"] = { "content-type": "text/csv" }): Asked => ({
  method: "POST",
  path: `/api/files${query}`,
  headers,
  body,
});
const form = (...parts: string[]): Asked => file("", `${parts.map((part) => `--frontier\r\n${part}\r\n`).join("")}--frontier--\r\n`, FORM);
const FORM = { "content-type": "multipart/form-data; boundary=frontier" };
const field = (name: string, value: string): string => `content-disposition: form-data; name="${name}"\r\n\r\n${value}`;
const part = (name: string, filename: string): string =>
  `content-disposition: form-data; name="${name}"; filename="${filename}"\r\ncontent-type: text/csv\r\n\r\nid\n1\n`;

/** Collections and files. */
export const STORED_CASES: readonly BadCase[] = [
  { name: "a record in a path", send: put("..%2fx/k", "{}"), ...validation, says: ["letters, digits"] },
  { name: "a record that is a list", send: put("toys/k", "[]"), ...validation, faults: [" invalid_type"] },
  { name: "a record of nothing", send: put("toys/k", ""), status: 400, code: "empty_body" },
  { name: "a record under a key of 513 characters", send: put(`toys/${"k".repeat(513)}`, "{}"), ...validation, faults: ["key too_long"] },
  { name: "a record under NUL", send: put("toys/a%00b", "{}"), ...validation, faults: ["key bad_id"] },
  { name: "a record under a line break", send: put("toys/a%0Ab", "{}"), ...validation, faults: ["key bad_id"] },
  { name: "a record under a step upwards", send: put("toys/..%2f..", "{}"), ...validation, faults: ["key bad_id"] },
  { name: "1e400 in a record", send: put("toys/k", '{"n":1e400}'), ...validation, faults: [" number_out_of_range"] },
  {
    name: "an integer no double can hold in a record",
    send: put("toys/k", '{"n":9007199254740993}'),
    ...validation,
    faults: [" number_out_of_range"],
  },
  { name: "a JSON key twice in a record", send: put("toys/k", '{"n":1,"n":2}'), ...validation, faults: [" duplicate_key"] },
  {
    name: "a record of depth 100",
    send: put("toys/k", `{"n":${"[".repeat(100)}${"]".repeat(100)}}`),
    ...validation,
    faults: [" too_deep"],
  },
  {
    name: "a record as a form",
    send: put("toys/k", "n=1", { "content-type": "application/x-www-form-urlencoded" }),
    status: 415,
    code: "unsupported_type",
  },
  {
    name: "a file without a name",
    send: file("", "id\n1\n"),
    ...validation,
    faults: ["filename required"],
    says: ["?filename=", "multipart/form-data"],
  },
  { name: "a file of nothing", send: file("?filename=x.csv", ""), ...validation, faults: [" required"], says: ["send the bytes"] },
  {
    name: "a file name of 1,001 characters",
    send: file(`?filename=${"x".repeat(1_001)}`, "id\n1\n"),
    ...validation,
    faults: ["filename too_long"],
  },
  {
    name: "a file parameter nobody knows",
    send: file("?filname=x.csv", "id\n1\n"),
    ...validation,
    faults: ["filname unknown_field"],
    says: ["did you mean 'filename'?"],
  },
  {
    name: "a file over the limit",
    send: file("?filename=x.csv", "", { "content-type": "text/csv", "content-length": "20000001" }),
    status: 413,
    code: "too_large",
  },
  { name: "a form over the limit", send: file("", "", { ...FORM, "content-length": "30000000" }), status: 413, code: "too_large" },
  { name: "a form without a boundary", send: file("", "x", { "content-type": "multipart/form-data" }), ...validation, says: ["multipart"] },
  { name: "a form that is none", send: file("", "not a form", FORM), ...validation, says: ["multipart"] },
  {
    name: "a form that breaks off in the file",
    send: file("", `--frontier\r\n${part("file", "x.csv")}`, FORM),
    ...validation,
    says: ["multipart"],
  },
  { name: "a form without a file", send: form(field("purpose", "input")), ...validation, faults: ["file required"] },
  {
    name: "a form with fields nobody knows",
    send: form(field("porpose", "x"), field("tenant", "other"), part("file", "x.csv")),
    ...validation,
    faults: ["porpose unknown_field", "tenant unknown_field"],
  },
  {
    name: "a form with two files",
    send: form(part("file", "x.csv"), part("more", "y.csv")),
    ...validation,
    faults: ["more unknown_field"],
    says: ["one file a request"],
  },
  {
    name: "a form with a field after its file",
    send: form(part("file", "x.csv"), field("purpose", "input")),
    ...validation,
    faults: ["purpose invalid_value"],
    says: ["before the file"],
  },
  { name: "a form field called __proto__", send: form(field("__proto__", "x"), part("file", "x.csv")), ...validation },
  {
    name: "a deletion of nothing",
    send: { method: "DELETE", path: "/api/files/file-none", headers: JSON_TYPE },
    status: 404,
    code: "file_not_found",
  },
  {
    name: "a deletion of another tenant's file",
    send: (world) => ({ method: "DELETE", path: `/api/files/${world.theirFile}`, headers: JSON_TYPE }),
    status: 404,
    code: "file_not_found",
  },
];
