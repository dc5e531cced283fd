import { keyFields, keyOfText } from "../intake/item-key.ts";
import { ITEM_LIMITS, JsonScanner } from "../intake/scan.ts";
import { BatchyardError } from "../model/errors.ts";
import type { NewRequest } from "../store/requests.ts";
import type { StreamDefinition } from "./definition.ts";

/** An item of a stream, read and checked. */
export interface StreamItem {
  /** Its own key; null = it has none and gets a number within its window. */
  key: string | null;
  windowKey: string;
  /** The exact JSON text. */
  text: string;
  /** UTF-8. */
  bytes: number;
  payload: Record<string, unknown>;
  /** Urgent: goes alone, at once. */
  fast: boolean;
  /** The single request that the item is; its id is the item's key. */
  request?: Omit<NewRequest, "batchId"> | undefined;
  /** The request that brought it, as a traceparent. */
  traceparent?: string | undefined;
}

export interface Refusal {
  code: string;
  message: string;
}

const MAX_KEY_LENGTH = 512;
const DIGITS = /^-?\d{1,15}$/;

/** Reads the items of one stream: their key, their window, whether they are urgent. */
export class ItemReader {
  private readonly definition: StreamDefinition;
  private readonly noun: string;
  private readonly fields: readonly string[];
  private readonly scanner: JsonScanner;
  private readonly types: ReadonlySet<string>;

  constructor(definition: StreamDefinition, streamName: string) {
    this.definition = definition;
    const noun = definition.eventPrefix ?? streamName;
    this.noun = noun.charAt(0).toUpperCase() + noun.slice(1);
    this.fields = keyFields(definition.idField);
    this.scanner = new JsonScanner(ITEM_LIMITS, this.fields);
    this.types = new Set((definition.fastPath?.types ?? []).map((type) => type.toLowerCase()));
  }

  /** `text`: one JSON object on one line. */
  read(text: string): StreamItem | Refusal {
    const fault = this.scanner.scan(text);
    if (fault !== null) return { code: fault.code, message: `column ${fault.column}: ${fault.message}` };
    const key = this.keyOf(text);
    if (typeof key === "object" && key !== null) return key;
    const payload = JSON.parse(text) as Record<string, unknown>;
    const windowKey = this.windowKeyOf(payload);
    if (windowKey === null) return refusal(new BatchyardError("missing_key", { field: this.definition.keyField ?? "" }));
    return { key, windowKey, text, bytes: Buffer.byteLength(text), payload, fast: this.isUrgent(payload) };
  }

  private keyOf(text: string): string | null | Refusal {
    const { idField, numericIds } = this.definition;
    const found = this.fields.some((_, field) => this.scanner.found[field]! >= 0);
    if (!found && idField === undefined) return numericIds ? this.notNumeric() : null;
    const answer = keyOfText(text, this.scanner.found, this.fields, 0, idField);
    if (numericIds && !("key" in answer && DIGITS.test(answer.key))) return this.notNumeric();
    return "key" in answer ? answer.key : { code: "bad_id", message: answer.fault };
  }

  private notNumeric(): Refusal {
    return refusal(new BatchyardError("ids_not_numeric", { noun: this.noun }));
  }

  private windowKeyOf(payload: Record<string, unknown>): string | null {
    const { keyField } = this.definition;
    if (keyField === undefined) return "";
    const value = Object.hasOwn(payload, keyField) ? payload[keyField] : undefined;
    if (typeof value === "number") return String(value);
    return typeof value === "string" && value.length > 0 && value.length <= MAX_KEY_LENGTH ? value : null;
  }

  /** Both fields must be there; the threshold itself is enough; types in any case. */
  private isUrgent(payload: Record<string, unknown>): boolean {
    const { fastPath } = this.definition;
    if (fastPath === undefined) return false;
    const value = payload[fastPath.field];
    const type = payload[fastPath.typeField];
    return typeof value === "number" && value >= fastPath.threshold && typeof type === "string" && this.types.has(type.toLowerCase());
  }
}

export function isRefusal(read: StreamItem | Refusal): read is Refusal {
  return "code" in read;
}

function refusal(error: BatchyardError): Refusal {
  return { code: error.code, message: error.message };
}
