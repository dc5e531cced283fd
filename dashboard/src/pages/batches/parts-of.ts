/** The parts of a search text as they are typed: words and qualifiers, with what stands in quotes. */
export function partsOf(text: string): string[] {
  return [...text.matchAll(/[^\s"]*"[^"]*"|\S+/g)].map(([part]) => part);
}
