import { parse as parsePath } from "node:path";
import { z } from "zod";
import type { Row } from "../../formats/columns.ts";
import { CONTENT_TYPES, READ_FORMATS, WRITE_FORMATS } from "../../formats/format.ts";
import type { RowFault } from "../../formats/row.ts";
import { write } from "../../formats/writer.ts";
import { keyFields } from "../../intake/item-key.ts";
import type { ItemText } from "../../model/item.ts";
import { defineOperation } from "../define.ts";
import type { HandlerContext, HandlerResult, TenantServices } from "../operation.ts";
import { toRecordFilter } from "../language/record-filter.ts";
import { fileRows, originOf } from "../rows.ts";

const options = z.strictObject({
  format: z.enum(WRITE_FORMATS).default("csv").describe("Format of the file that is written"),
  fields: z
    .array(z.string().min(1))
    .min(1)
    .max(16_384)
    .refine((fields) => new Set(fields).size === fields.length, "names a field twice")
    .optional()
    .describe("The columns and their order; every field that occurs when absent"),
});

type ExportOptions = z.output<typeof options>;

/** What the one item of an export says: where the rows are. */
const payload = z.union([
  z.strictObject({ file_id: z.string(), format: z.enum(READ_FORMATS).optional() }),
  z.strictObject({ collection: z.string(), filters: z.record(z.string(), z.unknown()) }),
]);

type ExportSource = z.output<typeof payload>;

/** Inline items wait in a file until they are exported; it outlives the longest deadline a batch is likely to have. */
const SOURCE_KEPT_MS = 30 * 24 * 60 * 60 * 1000;
/** Faults of unreadable rows that are shown; all are counted. */
const SHOWN_FAULTS = 10;

interface Unreadable {
  count: number;
  first: (RowFault & { row: number })[];
}

/**
 * Writes a collection, a file or the items of the request into one file. One item a batch; result `{file_id, rows}`, and
 * `unreadable: {count, first}` when rows of a file could not be read and are missing. A record's key becomes the column `key`
 * unless nodeId, id or custom_id hold it.
 *
 * Without `fields` the source is read twice, for csv and xlsx; a field that appears in between fails the try (source_changed).
 * A try that is repeated writes another file: only the one in the result counts.
 */
export const exportRows = defineOperation({
  name: "export",
  free: true,
  description: "Writes a collection, a file or the given items into a csv, jsonl or xlsx file.",
  options,
  async plan(request, services) {
    if (request.items === null) {
      const origin = originOf(request);
      if ("file_id" in origin) await services.files.get(origin.file_id);
      return oneItem(origin);
    }
    const file = await services.files.save(jsonLines(request.items), {
      name: "items.jsonl",
      contentType: CONTENT_TYPES.jsonl,
      purpose: "export_source",
      expiresAt: services.now() + SOURCE_KEPT_MS,
    });
    return oneItem({ file_id: file.id, format: "jsonl" });
  },
  async processItem(item: unknown, ctx: HandlerContext<ExportOptions>): Promise<HandlerResult> {
    const source = payload.parse(item);
    const { services, signal } = ctx;
    const { format, fields } = ctx.options;
    let rows = 0;
    let unreadable: Unreadable = { count: 0, first: [] };
    // Each reading starts anew, so the counts are those of the last one.
    const read = async function* (): AsyncGenerator<Row[], void, undefined> {
      rows = 0;
      unreadable = { count: 0, first: [] };
      for await (const block of sourceRows(services, source, fields !== undefined, unreadable)) {
        signal.throwIfAborted();
        rows += block.length;
        yield block;
      }
    };
    const name = "file_id" in source ? parsePath((await services.files.get(source.file_id)).name).name : source.collection;
    const file = await services.files.save(write(format, read, { fields }), {
      name: `${name}.${format}`,
      contentType: CONTENT_TYPES[format],
      purpose: "export",
    });
    return { result: { file_id: file.id, rows, ...(unreadable.count > 0 && { unreadable }) } };
  },
});

async function* oneItem(source: ExportSource): AsyncGenerator<ItemText[], void, undefined> {
  yield [{ key: "export", text: JSON.stringify(source) }];
}

async function* jsonLines(items: AsyncIterable<ItemText[]>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const block of items) yield Buffer.from(block.map((item) => `${item.text}\n`).join(""));
}

async function* sourceRows(
  services: TenantServices,
  source: ExportSource,
  named: boolean,
  unreadable: Unreadable,
): AsyncGenerator<Row[], void, undefined> {
  if ("collection" in source) {
    for await (const records of services.records.scan(source.collection, toRecordFilter(source.filters))) {
      yield records.map(({ key, data }) => (holdsKey(data, key, named) ? data : { key, ...data }));
    }
    return;
  }
  for await (const block of fileRows(services, source.file_id, source.format)) {
    const rows: Row[] = [];
    for (const { row, record, fault } of block) {
      if (fault === undefined) {
        rows.push(record);
        continue;
      }
      unreadable.count += 1;
      if (unreadable.first.length < SHOWN_FAULTS) unreadable.first.push({ row, ...fault });
    }
    if (rows.length > 0) yield rows;
  }
}

/** With named fields `key` can always be one of them. */
function holdsKey(data: Row, key: string, named: boolean): boolean {
  if (Object.hasOwn(data, "key")) return true;
  return (
    !named &&
    keyFields(undefined).some(
      (field) =>
        Object.hasOwn(data, field) && (typeof data[field] === "string" || typeof data[field] === "number") && String(data[field]) === key,
    )
  );
}
