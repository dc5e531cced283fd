import { joinLines, type ItemText } from "../../model/item.ts";
import type { NewChunk } from "../../store/port.ts";
import { CHUNK_CHARS } from "./chunk-size.ts";

/** Cuts a stream of items into chunks. */
export class Cutter {
  private readonly sizeAt: (position: number) => number;
  private readonly availableAt: number;
  /** Characters that fill a chunk. */
  readonly maxChars: number;
  private keys: string[] = [];
  private texts: string[] = [];
  private chars = 0;
  private limit: number;
  /** Items seen so far. */
  position = 0;

  constructor(sizeAt: (position: number) => number, availableAt: number, maxChars = CHUNK_CHARS) {
    this.sizeAt = sizeAt;
    this.availableAt = availableAt;
    this.maxChars = maxChars;
    this.limit = sizeAt(0);
  }

  /** The chunk that this item fills, if any. */
  add(item: ItemText): NewChunk | null {
    this.keys.push(item.key);
    this.texts.push(item.text);
    this.chars += item.text.length;
    this.position += 1;
    return this.keys.length >= this.limit || this.chars >= this.maxChars ? this.flush() : null;
  }

  /** Key of an item that is still in the unfilled chunk. */
  keyAt(position: number): string | null {
    return this.keys[position - (this.position - this.keys.length)] ?? null;
  }

  /** The last, unfilled chunk. */
  flush(): NewChunk | null {
    if (this.keys.length === 0) return null;
    const chunk: NewChunk = {
      position: this.position - this.keys.length,
      keys: this.keys,
      body: joinLines(this.texts),
      attempt: 0,
      availableAt: this.availableAt,
      crashes: 0,
    };
    this.keys = [];
    this.texts = [];
    this.chars = 0;
    this.limit = this.sizeAt(this.position);
    return chunk;
  }
}
