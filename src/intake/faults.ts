import { BatchyardError } from "../model/errors.ts";
import type { Fault } from "../model/errors.ts";

/** Faults listed in an answer; further ones are only counted. */
const LISTED_FAULTS = 100;

/** Faults of items as they are met: the first hundred in full, the rest as a count, so that a million bad lines cost nothing. */
export class ItemFaults {
  readonly #listed: Fault[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(fault: Fault): void {
    this.#count++;
    if (this.#listed.length < LISTED_FAULTS) this.#listed.push(fault);
  }

  /** Throws bad_items when there was any fault. */
  check(): void {
    if (this.#count === 0) return;
    const shown = this.#listed.slice(0, 3).map((fault) => `${fault.path}: ${fault.message}`);
    const more = this.#count > shown.length ? `; and ${this.#count - shown.length} more` : "";
    throw new BatchyardError("bad_items", { count: this.#count, summary: shown.join("; ") + more }, { errors: this.#listed });
  }
}
