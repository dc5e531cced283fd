/**
 * Your operations for `batchyard run` and `batchyard serve`. In this directory:
 *
 *   npx batchyard run slug --input titles.jsonl --options '{"separator":"_"}'
 */
import { defineConfig, defineOperation, OperationError } from "batchyard";
import { z } from "zod";

const slug = defineOperation({
  name: "slug",
  description: "Makes a title fit for an address",
  options: z.strictObject({ separator: z.enum(["-", "_"]).default("-") }),
  processItem(item: { title: string }, ctx) {
    const words = item.title
      .normalize("NFKD")
      .replace(/\p{M}/gu, "")
      .toLowerCase()
      .match(/[a-z0-9]+/g);
    if (words === null)
      throw new OperationError(`Nothing of '${item.title}' fits into an address`, { code: "empty_slug", category: "data" });
    return { result: words.join(ctx.options.separator) };
  },
});

export default defineConfig({ operations: [slug] });
