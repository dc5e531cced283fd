/** `*` stands for any text; everything else for itself. */
export function matchesName(pattern: string, model: string): boolean {
  const [head, ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === model;
  if (!model.startsWith(head!)) return false;
  let at = head!.length;
  const tail = rest.pop()!;
  for (const part of rest) {
    const found = model.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return model.length - tail.length >= at && model.endsWith(tail);
}

/** The name itself if it is there, else the longest pattern that fits; undefined when none does. */
export function bestFit(patterns: readonly string[], name: string): string | undefined {
  if (patterns.includes(name)) return name;
  return patterns.filter((pattern) => matchesName(pattern, name)).sort((a, b) => b.length - a.length)[0];
}
