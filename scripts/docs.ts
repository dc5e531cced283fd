/** `npm run docs`: writes the generated parts of the pages. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GENERATED, GENERATED_FILES, withGenerated } from "./generated.ts";

for (const part of GENERATED) {
  const path = join(import.meta.dirname, "..", part.file);
  const before = readFileSync(path, "utf8");
  const after = withGenerated(before, part);
  if (after !== before) writeFileSync(path, after);
  console.log(`${part.file}: ${part.name} ${after === before ? "is up to date" : "written"}`);
}
for (const { file, text } of GENERATED_FILES) {
  const path = join(import.meta.dirname, "..", file);
  const isNew = !existsSync(path) || readFileSync(path, "utf8") !== text();
  if (isNew) writeFileSync(path, text());
  console.log(`${file}: ${isNew ? "written" : "is up to date"}`);
}
