import { BatchyardError } from "../model/errors.ts";

/** What can be read. Written are csv, jsonl and xlsx. */
export const READ_FORMATS = ["csv", "jsonl", "json", "xlsx"] as const;
export type ReadFormat = (typeof READ_FORMATS)[number];

export const WRITE_FORMATS = ["csv", "jsonl", "xlsx"] as const;
export type WriteFormat = (typeof WRITE_FORMATS)[number];

export const CONTENT_TYPES: Record<ReadFormat, string> = {
  csv: "text/csv; charset=utf-8",
  jsonl: "application/x-ndjson",
  json: "application/json",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};

const EXTENSIONS: Record<string, ReadFormat> = { csv: "csv", tsv: "csv", jsonl: "jsonl", ndjson: "jsonl", json: "json", xlsx: "xlsx" };

const TYPES: Record<string, ReadFormat> = {
  "text/csv": "csv",
  "text/tab-separated-values": "csv",
  "application/csv": "csv",
  "application/x-ndjson": "jsonl",
  "application/ndjson": "jsonl",
  "application/jsonl": "jsonl",
  "application/x-jsonlines": "jsonl",
  "application/json": "json",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
};

/** The format that a file's name or else its content type names, or null. */
export function namedFormat(name: string, contentType: string): ReadFormat | null {
  const extension = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase();
  if (extension !== undefined && Object.hasOwn(EXTENSIONS, extension)) return EXTENSIONS[extension]!;
  const type = contentType.split(";", 1)[0]!.trim().toLowerCase();
  return Object.hasOwn(TYPES, type) ? TYPES[type]! : null;
}

/** The format the first bytes of a file speak for. Throws bad_file for what is certainly none of them. */
export function guessedFormat(start: Uint8Array): ReadFormat {
  const [a, b, c, d] = start;
  if (a === 0x50 && b === 0x4b && c === 0x03 && d === 0x04) return "xlsx";
  if (a === 0xd0 && b === 0xcf && c === 0x11 && d === 0xe0) {
    throw new BatchyardError("bad_file", {
      format: "xlsx",
      reason: "it is an old .xls or a protected workbook; save it as .xlsx without a password",
    });
  }
  const text = Buffer.from(start)
    .toString("utf8")
    .replace(/^\ufeff/, "")
    .trimStart();
  if (text.startsWith("[")) return "json";
  return text.startsWith("{") ? "jsonl" : "csv";
}
