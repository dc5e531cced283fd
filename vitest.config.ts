import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests import the public name as users do and mean the sources.
  ssr: { resolve: { conditions: ["batchyard-source", "module", "node"] } },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Never green on nothing, never on a part: `only` left behind fails, and so does a filter that matches no test.
    allowOnly: false,
    passWithNoTests: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    execArgv: ["--conditions=batchyard-source"],
  },
});
