import { splitLines } from "../intake/lines.ts";
import { BatchyardError } from "../model/errors.ts";
import type { ItemText } from "../model/item.ts";
import type { OpenAiFault } from "../store/openai-batches.ts";
import { checkLine } from "./input-line.ts";

const MAX_LINES = 50_000;
export const MAX_FILE_BYTES = 200 * 1024 * 1024;
/** A request may carry an image as text. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const LISTED_FAULTS = 100;

/** Faults as they are met: the first hundred in full, of the rest the number, so that a file of bad lines costs nothing. */
class InputFaults {
  private readonly listed: OpenAiFault[] = [];
  private count = 0;

  get any(): boolean {
    return this.count > 0;
  }

  add(fault: OpenAiFault): void {
    this.count += 1;
    if (this.listed.length < LISTED_FAULTS) this.listed.push(fault);
  }

  all(): OpenAiFault[] {
    const more = this.count - this.listed.length;
    if (more === 0) return this.listed;
    const message = `There are ${more} more errors; only the first ${LISTED_FAULTS} are listed.`;
    return [...this.listed, { code: "too_many_errors", line: null, message, param: null }];
  }
}

/** Thrown at the end of a file with faults: nothing of it runs. */
export class InputRefused extends Error {
  override readonly name = "InputRefused";
  readonly faults: OpenAiFault[];

  constructor(faults: OpenAiFault[]) {
    super(faults[0]?.message ?? "The input file is not valid");
    this.faults = faults;
  }
}

export interface InputRules {
  endpoint: string;
  /** Lines may name different models. */
  mixedModels: boolean;
  supports(model: string): boolean;
}

/** What is known once the file has been read. */
export interface InputSurvey {
  /** The model of all lines; null when they name several. */
  model: string | null;
}

/**
 * The lines of an input file as items, in constant memory but for the custom_ids: key = custom_id, text = the line as it stands.
 * Reads to the end in spite of faults, to name them all, and then throws InputRefused. Fills `survey` as it goes.
 */
export async function* readInput(bytes: AsyncIterable<Uint8Array>, rules: InputRules, survey: InputSurvey): AsyncGenerator<ItemText[]> {
  const faults = new InputFaults();
  const ids = new Set<string>();
  const supported = new Map<string, boolean>();
  const supports = (model: string): boolean => {
    let known = supported.get(model);
    // Bounded: a file may name as many unknown models as it has lines.
    if (known === undefined && supported.size < 1000) supported.set(model, (known = rules.supports(model)));
    return known ?? rules.supports(model);
  };
  let first: string | null = null;
  let several = false;
  let lines = 0;
  const whole = (code: string, message: string): void => faults.add({ code, line: null, message, param: null });
  try {
    for await (const block of splitLines(bytes, { maxLineBytes: MAX_LINE_BYTES })) {
      const items: ItemText[] = [];
      for (const [index, text] of block.lines.entries()) {
        if (++lines > MAX_LINES) break;
        const expectedModel = rules.mixedModels ? null : first;
        const { customId, model, faults: found } = checkLine(text, { endpoint: rules.endpoint, supports, expectedModel });
        if (customId !== null && ids.has(customId)) {
          const message =
            "The custom_id for this request is a duplicate of another request. The custom_id parameter must be unique for each request in a batch.";
          found.push({ code: "duplicate_custom_id", param: "custom_id", message });
        }
        if (customId !== null) ids.add(customId);
        if (model !== null) {
          first ??= model;
          several ||= model !== first;
        }
        for (const fault of found) faults.add({ ...fault, line: block.numbers[index]! });
        if (customId !== null) items.push({ key: customId, text });
      }
      if (lines > MAX_LINES) {
        whole("too_many_requests", `The input file has more than ${MAX_LINES} requests; a batch takes at most ${MAX_LINES}.`);
        break;
      }
      survey.model = several ? null : first;
      if (!faults.any) yield items;
    }
  } catch (error) {
    if (!(error instanceof BatchyardError) || error.status >= 500) throw error;
    whole("invalid_file", error.message);
  }
  if (lines === 0 && !faults.any)
    whole("empty_file", "The input file is empty. Please ensure that the batch contains at least one request.");
  if (faults.any) throw new InputRefused(faults.all());
}
