import { z } from "zod";
import { faultOf } from "../../../formats/row.ts";
import type { ItemText } from "../../../model/item.ts";
import type { PlanRequest, TenantServices } from "../../operation.ts";
import { toRecordFilter } from "../../language/record-filter.ts";
import { fileRows, originOf } from "../../rows.ts";

/** Where a report's rows are; the payload of its one item. */
export const reportSource = z.union([
  z.strictObject({ file_id: z.string(), inline: z.boolean().optional() }),
  z.strictObject({ collection: z.string(), filters: z.record(z.string(), z.unknown()) }),
]);
export type ReportSource = z.output<typeof reportSource>;

/** Items given with the request are kept as a file, so that the batch holds one item, however many rows there are. */
export async function planSource(request: PlanRequest<unknown>, services: TenantServices): Promise<ReportSource> {
  if (request.items !== null) {
    const file = await services.files.save(linesOf(request.items), {
      name: "report-items.jsonl",
      contentType: "application/x-ndjson",
      purpose: "report_source",
    });
    return { file_id: file.id, inline: true };
  }
  const origin = originOf(request);
  if ("file_id" in origin) await services.files.get(origin.file_id);
  return origin;
}

async function* linesOf(items: AsyncIterable<ItemText[]>): AsyncGenerator<Uint8Array> {
  for await (const block of items) {
    if (block.length > 0) yield Buffer.from(`${block.map(({ text }) => text).join("\n")}\n`);
  }
}

/** A row, or why there is none. */
export type SourceRow = { record: Record<string, unknown>; fault: null } | { record: null; fault: string };

/** The rows of the source in blocks, in constant memory. */
export async function* rowsOf(source: ReportSource, services: TenantServices): AsyncGenerator<SourceRow[]> {
  if ("collection" in source) {
    for await (const page of services.records.scan(source.collection, toRecordFilter(source.filters)))
      yield page.map(({ data }) => ({ record: data, fault: null }));
    return;
  }
  for await (const block of fileRows(services, source.file_id)) {
    yield block.map((row): SourceRow => {
      if (row.fault !== undefined) return { record: null, fault: row.fault.message };
      // Items that carry the fault of a row of an upload were kept as such.
      const fault = faultOf(row.record);
      return fault === null ? { record: row.record, fault: null } : { record: null, fault: fault.message };
    });
  }
}
