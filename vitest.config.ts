import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests import the public name as users do and mean the sources.
  ssr: { resolve: { conditions: ["batchyard-source", "module", "node"] } },
  test: {
    globalSetup: "test/support/run-folder.ts",
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "dashboard/src/**/*.test.ts"],
    // Never green on nothing, never on a part: `only` left behind fails, and so does a filter that matches no test.
    allowOnly: false,
    passWithNoTests: false,
    // Most tests wait for servers, browsers and disks: a core for each is put to use, also where there are but two.
    maxWorkers: availableParallelism(),
    // What hangs is told from what is slow on a busy machine: no test has a shorter time of its own.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
    execArgv: ["--conditions=batchyard-source"],
  },
});
