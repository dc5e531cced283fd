import { resultOf, type Numbered } from "../fates.ts";

export function processItem(item: Numbered & { deadly?: boolean }): { result: unknown } {
  if (item.deadly === true) process.exit(3);
  return { result: resultOf(item) };
}
