import { faultOf, faultPayload } from "../formats/row.ts";
import type { ReadRow } from "../formats/row.ts";
import type { ReadFormat } from "../formats/format.ts";
import { readRows } from "../formats/reader.ts";
import { itemKey } from "../intake/item-key.ts";
import { BatchyardError, invalid } from "../model/errors.ts";
import type { Item, ItemText } from "../model/item.ts";
import type { ItemOutcome, PlanRequest, TenantServices } from "./operation.ts";
import { toRecordFilter } from "./language/record-filter.ts";

/** The collection that is read when a request names no items and no input. */
const DEFAULT_COLLECTION = "nodes";

export interface RowReading {
  /** Told by the file's name, type or first bytes when absent. */
  format?: ReadFormat | undefined;
  /** Field of a row that is its key; without it nodeId, id, custom_id, else `item_<row>`. */
  keyField?: string | undefined;
}

/** Where a request's items come from when they are not given with it. */
export type RowOrigin = { file_id: string } | { collection: string; filters: Record<string, unknown> };

/** Throws validation_failed when the input names two origins, or filters that cannot be read. */
export function originOf(request: Pick<PlanRequest<unknown>, "input" | "filters">): RowOrigin {
  const { file_id, collection } = request.input ?? {};
  if (file_id !== undefined && collection !== undefined) {
    throw invalid([{ path: "input", message: "names a file_id and a collection; give one of them", code: "ambiguous_input" }]);
  }
  if (file_id !== undefined) return { file_id };
  toRecordFilter(request.filters);
  return { collection: collection ?? DEFAULT_COLLECTION, filters: request.filters };
}

/**
 * The items of a request, streamed: those given, else the rows of `input.file_id`, else the records of `input.collection` (or
 * of "nodes") that match `filters`. A row that cannot be read, or has no usable key, becomes an item that fails with the
 * row's own fault (see unreadable).
 *
 * Throws validation_failed and file_not_found at once; bad_file, bad_encoding, … while iterating.
 */
export async function planRows(
  request: PlanRequest<unknown>,
  services: TenantServices,
  reading: RowReading = {},
): Promise<AsyncIterable<ItemText[]>> {
  if (request.items !== null) return request.items;
  const origin = originOf(request);
  if (!("file_id" in origin)) return recordItems(services, origin);
  await services.files.get(origin.file_id);
  return fileItems(services, origin.file_id, reading);
}

/** How an item fails that carries the fault of an unreadable row; null for every other item. */
export function unreadable(item: Item): Extract<ItemOutcome, { error: string }> | null {
  const fault = faultOf(item.payload);
  return fault === null ? null : { key: item.key, error: fault.message, code: fault.code, category: "data" };
}

/** The rows of a stored file; its stream is closed however the reading ends. */
export async function* fileRows(services: TenantServices, fileId: string, format?: ReadFormat): AsyncGenerator<ReadRow[], void, undefined> {
  const { file, stream, path } = await services.files.open(fileId);
  try {
    yield* readRows({ name: file.name, contentType: file.contentType, bytes: stream, path }, format);
  } finally {
    stream.destroy();
  }
}

async function* fileItems(
  services: TenantServices,
  fileId: string,
  { format, keyField }: RowReading,
): AsyncGenerator<ItemText[], void, undefined> {
  for await (const rows of fileRows(services, fileId, format)) yield rows.map((row) => toItem(row, keyField));
}

async function* recordItems(
  services: TenantServices,
  origin: { collection: string; filters: Record<string, unknown> },
): AsyncGenerator<ItemText[], void, undefined> {
  for await (const records of services.records.scan(origin.collection, toRecordFilter(origin.filters))) {
    yield records.map(({ key, data }) => ({ key, text: JSON.stringify(data) }));
  }
}

function toItem(row: ReadRow, keyField: string | undefined): ItemText {
  const failed = (code: string, message: string, line: number | null): ItemText => ({
    key: `item_${row.row}`,
    text: faultPayload(row.row, { code, message, line }),
  });
  if (row.fault !== undefined) return failed(row.fault.code, row.fault.message, row.fault.line);
  try {
    return { key: itemKey(row.record, row.row, keyField), text: row.text ?? JSON.stringify(row.record) };
  } catch (error) {
    if (!(error instanceof BatchyardError)) throw error;
    const message = error.errors?.[0]?.message ?? error.message;
    const missing = keyField !== undefined && (row.record[keyField] ?? "") === "";
    return failed(missing ? "key_missing" : "bad_key", `Row ${row.row}: ${message}`, null);
  }
}
