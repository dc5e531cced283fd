import { defineConfig, defineOperation } from "../../../src/index.ts";

/** Answers with the trace it is told to belong to; an item can fail once, or hold its process up. */
const told = defineOperation({
  name: "told",
  async processItem(item: { id: string; flaky?: boolean; hold?: boolean }, ctx) {
    if (item.hold === true && process.env["HOLD"] === "1") {
      process.stderr.write(`holding ${ctx.key}\n`);
      await new Promise(() => {});
    }
    if (item.flaky === true && ctx.attempt === 0) throw new Error("Not this time");
    return { result: { traceparent: ctx.traceparent } };
  },
});

export default defineConfig({ operations: [told] });
