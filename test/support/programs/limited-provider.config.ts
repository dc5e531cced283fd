import { defineConfig } from "../../../src/index.ts";

/** A provider at PEER_URL with limits, for online requests and batches. */
export default defineConfig({
  providers: {
    openai: {
      baseURL: process.env["PEER_URL"] ?? "",
      apiKey: "sk-of-the-tests",
      batch: true,
      limits: { requestsPerMinute: 50, tokensPerMinute: 100_000, enqueuedTokens: 2_000 },
    },
  },
});
