import { KeySet, confirm } from "../../intake/keyset.ts";
import { BatchyardError } from "../../model/errors.ts";

/** Keys seen so far: refuses a repetition, naming both places, and too many items. */
export class ItemKeys {
  private readonly set = new KeySet();
  private readonly limit: number;
  private position = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Null from the fast path, so that no promise is made an item. */
  add(key: string, keyAt: (position: number) => string | null): Promise<void> | null {
    const position = this.position++;
    if (position >= this.limit) throw new BatchyardError("too_many_items", { limit: this.limit });
    const candidates = this.set.add(key, position);
    return candidates === null ? null : this.refuse(key, position, candidates, keyAt);
  }

  private async refuse(
    key: string,
    position: number,
    candidates: readonly number[],
    keyAt: (position: number) => string | null,
  ): Promise<void> {
    // A place whose key is no longer in memory counts as equal: two of a million keys share 64 bits of hash once in 37 million batches.
    const first = await confirm(key, candidates, (at) => keyAt(at) ?? key);
    if (first !== null) throw new BatchyardError("duplicate_key", { key, first: first + 1, second: position + 1 });
  }
}
