import { defineOperation } from "../../operations/define.ts";

interface Completion {
  choices: { message: { content: string } }[];
}

/** Asks a model about each item's text. */
export const asking = defineOperation({
  name: "asking",
  requests: {
    requestOf: ({ payload }) => {
      const { text, model } = payload as { text: string; model?: string };
      return { url: "/v1/chat/completions", body: { model: model ?? "gpt-4o-mini", messages: [{ role: "user", content: text }] } };
    },
    resultOf: ({ body }) => ({ result: (body as Completion).choices[0]!.message.content }),
  },
});
