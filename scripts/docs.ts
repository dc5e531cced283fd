/** `npm run docs`: writes the generated parts of the pages. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GENERATED, withGenerated } from "./generated.ts";

for (const part of GENERATED) {
  const path = join(import.meta.dirname, "..", part.file);
  const before = readFileSync(path, "utf8");
  const after = withGenerated(before, part);
  if (after !== before) writeFileSync(path, after);
  console.log(`${part.file}: ${part.name} ${after === before ? "is up to date" : "written"}`);
}
