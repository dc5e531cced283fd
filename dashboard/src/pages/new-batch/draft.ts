import type { CreateRequest, OperationInfo, Priority } from "batchyard/client";
import { type FieldSchema, fieldsOf, valueOf } from "../../parts/schema.ts";

/** Where the items come from. */
export type Source = "typed" | "file" | "collection";

/** What was typed so far; every value as its text. */
export interface Draft {
  operation: string;
  name: string;
  priority: Priority;
  source: Source;
  typed: string;
  collection: string;
  options: Readonly<Record<string, string>>;
}

export const EMPTY_DRAFT: Draft = { operation: "", name: "", priority: "normal", source: "typed", typed: "", collection: "", options: {} };

/** Faults by the path the server would name. */
export type Faults = Readonly<Record<string, string>>;

export interface Drafted {
  request: CreateRequest;
  items: Record<string, unknown>[] | undefined;
}

/** The request a draft is, or what keeps it from being one. `fileId` is that of the uploaded file. */
export function drafted(
  draft: Draft,
  operation: OperationInfo,
  runOptions: FieldSchema,
  fileId: string | null,
): Drafted | { faults: Faults } {
  const faults: Record<string, string> = {};
  const options: Record<string, unknown> = {};
  for (const { name, schema } of [...fieldsOf(operation.options), ...fieldsOf(runOptions)]) {
    try {
      const value = valueOf(schema, draft.options[name] ?? "");
      if (value !== undefined) options[name] = value;
    } catch {
      faults[`options.${name}`] = "This is not JSON";
    }
  }
  const items = draft.source === "typed" ? itemsOf(draft.typed, faults) : undefined;
  if (Object.keys(faults).length > 0) return { faults };
  const request: CreateRequest = {
    operation: operation.name,
    priority: draft.priority,
    ...(draft.name.trim() === "" ? {} : { name: draft.name.trim() }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(draft.source === "file" && fileId !== null ? { input: { file_id: fileId } } : {}),
    ...(draft.source === "collection" ? { input: { collection: draft.collection.trim() } } : {}),
  };
  return { request, items };
}

/** A JSON array, or one object a line. */
function itemsOf(text: string, faults: Record<string, string>): Record<string, unknown>[] {
  const trimmed = text.trim();
  if (trimmed === "") return [];
  try {
    if (trimmed.startsWith("[")) return JSON.parse(trimmed) as Record<string, unknown>[];
  } catch (error) {
    faults["items"] = `This is not a JSON array: ${error instanceof Error ? error.message : ""}`;
    return [];
  }
  return trimmed.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    try {
      return [JSON.parse(line) as Record<string, unknown>];
    } catch {
      faults["items"] ??= `Line ${i + 1} is not JSON`;
      return [];
    }
  });
}
