import { randomText } from "../../model/ids.ts";

/** What an item is called in a file: its chunk and its place there, so the same in every try of this chunk, unique, and short. */
export function customId(chunkId: number, place: number): string {
  return `${chunkId.toString(36)}-${place.toString(36)}`;
}

/** The place in the chunk that a custom id names; null for one that was never given out for it. */
export function placeOf(id: unknown, chunkId: number): number | null {
  if (typeof id !== "string") return null;
  const place = Number.parseInt(id.slice(id.indexOf("-") + 1), 36);
  return Number.isSafeInteger(place) && place >= 0 && customId(chunkId, place) === id ? place : null;
}

/** A second upstream batch of an attempt is an attempt of its own, whose id says whose lines it has. */
export function strayId(attempt: string): string {
  return `${attempt}.${randomText(6)}`;
}

export function attemptOfStray(id: string): string {
  return id.slice(0, id.indexOf("."));
}
