import { defineConfig, defineOperation, OperationError } from "../../../src/index.ts";
import { fate, resultOf, type Numbered } from "../fates.ts";
import { aborted, opened } from "../gate.ts";
import { lapse } from "../lapse.ts";

/** The same file for both: with UPSTREAM it is the client of the other, without it is the server with the model. */
const upstream = process.env["UPSTREAM"];
const WORK_MS = Number(process.env["WORK_MS"] ?? 0);
/** The item of this number waits until the file is there: until then there is something to do. */
const GATE = { file: process.env["GATE"] ?? "", item: Number(process.env["GATED_ITEM"] ?? -1) };

const steadyModel = defineOperation({
  name: "steady_model",
  async processItem(item: Numbered, ctx) {
    if (WORK_MS > 0) await lapse(WORK_MS, ctx.signal);
    if (item.n === GATE.item) await Promise.race([opened(GATE.file), aborted(ctx.signal)]);
    const kind = fate(item.n);
    if (kind === "transient" && ctx.attempt === 0) throw new Error("Not this time");
    if (kind === "permanent") throw new OperationError("Never", { code: "never" });
    return { result: resultOf(item) };
  },
});

const asking = defineOperation({
  name: "ask_the_other",
  requests: {
    requestOf: ({ payload }) => ({
      url: "/v1/chat/completions",
      body: { model: "steady_model", messages: [{ role: "user", content: JSON.stringify(payload) }] },
    }),
    resultOf: ({ body }) => {
      const { choices } = body as { choices: { message: { content: string } }[] };
      return { result: JSON.parse(choices[0]!.message.content) as unknown };
    },
  },
});

export default defineConfig(
  upstream === undefined
    ? { operations: [steadyModel] }
    : {
        operations: [asking],
        // The list of a Batchyard shows a batch from the moment it exists.
        providers: { other: { baseURL: upstream, apiKey: { env: "BATCHYARD_TOKEN" }, batch: true, lookAgainMs: [500, 2000] } },
      },
);
