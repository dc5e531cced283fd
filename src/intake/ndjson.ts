import { BatchyardError } from "../model/errors.ts";
import type { Fault } from "../model/errors.ts";
import type { ItemText } from "../model/item.ts";
import { ItemFaults } from "./faults.ts";
import { keyFields, keyOfText } from "./item-key.ts";
import type { LineBlock } from "./lines.ts";
import { looksLikeCsv } from "./scan-hints.ts";
import { ITEM_LIMITS, JsonScanner } from "./scan.ts";

export const MAX_ITEMS = 1_000_000;

export interface ReadOptions {
  /** Top-level field that holds the key and must be there; without it `nodeId`, `id`, `custom_id`, else `item_<position>`. */
  keyField?: string | undefined;
  maxItems?: number | undefined;
  /** Position of the first item, for the key of items that have none; 1 when absent. */
  firstPosition?: number | undefined;
}

/**
 * Items out of lines, each line one JSON object, kept as it stands. Blocks come as they are read, until the first bad line; from then
 * on lines are only checked, and the end throws bad_items with the first hundred faults (`line N`, column in the message) and their count.
 * Throws empty_input and too_many_items too. Repeated keys are not looked for here (see KeySet).
 */
export async function* readNdjson(blocks: AsyncIterable<LineBlock>, options: ReadOptions = {}): AsyncGenerator<ItemText[]> {
  const reader = new LineReader(options);
  try {
    for await (const block of blocks) {
      const items = reader.read(block);
      if (items.length > 0) yield items;
    }
  } catch (error) {
    // Bytes that are not UTF-8 end the reading; what was found before is said as well.
    if (!(error instanceof BatchyardError) || error.code !== "bad_items" || reader.faults.count === 0) throw error;
    for (const fault of error.errors ?? []) reader.faults.add(fault);
  }
  reader.faults.check();
  if (reader.count === 0) throw new BatchyardError("empty_input");
}

class LineReader {
  readonly faults = new ItemFaults();
  /** Lines read so far, good or bad. */
  count = 0;
  readonly #keyField: string | undefined;
  readonly #fields: readonly string[];
  readonly #maxItems: number;
  readonly #scanner: JsonScanner;

  constructor(options: ReadOptions) {
    this.#keyField = options.keyField;
    this.#maxItems = options.maxItems ?? MAX_ITEMS;
    this.#fields = keyFields(options.keyField);
    this.#scanner = new JsonScanner(ITEM_LIMITS, this.#fields);
  }

  read(block: LineBlock): ItemText[] {
    const items: ItemText[] = [];
    for (let i = 0; i < block.lines.length; i++) {
      const text = block.lines[i]!;
      const number = block.numbers[i]!;
      if (++this.count > this.#maxItems) throw new BatchyardError("too_many_items", { limit: this.#maxItems });
      if (this.count === 1) this.#checkFirst(text, number);
      const fault = this.#scanner.scan(text);
      if (fault !== null) {
        this.faults.add({ path: `line ${number}`, code: fault.code, message: `column ${fault.column}: ${fault.message}` });
        continue;
      }
      const answer = keyOfText(text, this.#scanner.found, this.#fields, this.count, this.#keyField);
      if ("key" in answer) items.push({ key: answer.key, text });
      else this.faults.add({ path: `line ${number}`, code: "bad_id", message: answer.fault });
    }
    return this.faults.count === 0 ? items : [];
  }

  /** A text of another kind is said once, not once a line. */
  #checkFirst(text: string, number: number): void {
    const path = `line ${number}`;
    const start = text.search(/[^ \t\r]/);
    if (text[start] === "[") {
      const message =
        "this is a JSON array, not one JSON object per line; send the array as `items` of a JSON request, or split it: jq -c '.[]' file.json";
      throw oneFault({ path, code: "array_not_jsonl", message });
    }
    const fault = looksLikeCsv(text, start) ? this.#scanner.scan(text) : null;
    if (fault?.code === "bad_json") throw oneFault({ path, code: fault.code, message: `column ${fault.column}: ${fault.message}` });
  }
}

function oneFault(fault: Fault): BatchyardError {
  return new BatchyardError("bad_items", { count: 1, summary: `${fault.path}: ${fault.message}` }, { errors: [fault] });
}
