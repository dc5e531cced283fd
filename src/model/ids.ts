import { randomBytes } from "node:crypto";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** `length` characters of [a-z0-9], each drawn uniformly (bytes ≥ 252 are thrown away: 252 = 7 · 36). */
export function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      if (byte < 252 && text.length < length) text += ALPHABET[byte % 36];
    }
  }
  return text;
}

/** `batch_<epoch ms>_<9 of [a-z0-9]>`. */
export function newBatchId(now: number): string {
  return `batch_${now}_${randomText(9)}`;
}

/** `<prefix>_<24 of [a-z0-9]>`, for files, keys, sessions, workers and requests. */
export function newId(prefix: string): string {
  return `${prefix}_${randomText(24)}`;
}
