export interface Numbered {
  id: string;
  n: number;
}

/** What becomes of an item, by its number alone, so that anybody can say afterwards what was to be expected. */
export function fate(n: number): "plain" | "transient" | "permanent" {
  if (n % 50 === 7) return "permanent";
  return n % 20 === 3 ? "transient" : "plain";
}

/** The result of an item. */
export function resultOf(item: Numbered): { id: string; square: number } {
  return { id: item.id, square: item.n * item.n };
}

/** Items `first` to `first + count - 1`. */
export function numbered(first: number, count: number): Numbered[] {
  return Array.from({ length: count }, (_, i) => ({ id: `k${first + i}`, n: first + i }));
}
