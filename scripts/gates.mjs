/**
 * The gates: format, lint, types, architecture, dead code, docs. A gate is a tool and a reader of its output that tells how
 * much the tool looked at: below the floor it fails, because a gate that passes on nothing is none.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { pinnedEnvironment, pinnedNode, root } from "./pinned.mjs";

const FORMATTED = ["*.{ts,mjs,json}", ".*.json", "{src,test,bench,examples,scripts,bin,dashboard,.ci}/**/*.{ts,tsx,mjs,json,html,css}"];

const GATES = {
  format: {
    looksAt: "files",
    floor: 30,
    run() {
      const files = globSync(FORMATTED, { cwd: root, exclude: ["package-lock.json"] });
      return { ...tool("prettier/bin/prettier.cjs", ["--check", "--log-level", "warn", ...files]), count: files.length };
    },
  },
  lint: {
    looksAt: "files",
    floor: 30,
    run() {
      const result = tool("oxlint/bin/oxlint", ["--report-unused-disable-directives"]);
      return { ...result, count: number(result.output, /\bon (\d+) files/) };
    },
  },
  types: {
    looksAt: "files, with those of the libraries",
    floor: 100,
    run() {
      const results = [".", "dashboard"].map((project) => tool("typescript/bin/tsc", ["-p", project, "--diagnostics"]));
      return {
        code: Math.max(...results.map((result) => result.code)),
        output: results.map((result) => result.output).join("\n"),
        count: results.reduce((sum, result) => sum + number(result.output, /^Files:\s+(\d+)/m), 0),
      };
    },
  },
  architecture: {
    looksAt: "imports",
    floor: 50,
    run() {
      const result = vitest("test/architecture.test.ts");
      return { ...result, count: number(result.output, /architecture: \d+ files, (\d+) imports/) };
    },
  },
  dead: {
    looksAt: "files",
    floor: 30,
    run() {
      const result = tool("knip/bin/knip.js", ["--no-progress"]);
      // knip does not say how many files it read; these are the ones its configuration names.
      return { ...result, count: globSync("{src,test,scripts,bench,examples,bin,dashboard/src}/**/*.{ts,tsx,mjs}", { cwd: root }).length };
    },
  },
  docs: {
    looksAt: "links, rows and codes",
    floor: 100,
    run() {
      const result = vitest("test/docs.test.ts");
      return { ...result, count: number(result.output, /docs: (\d+) links, rows and codes/) };
    },
  },
};

/** @param {string[]} names gates to run, all without any; returns the exit code */
export function runGates(names) {
  const unknown = names.filter((name) => !(name in GATES));
  if (unknown.length > 0) {
    console.error(`there is no gate '${unknown[0]}'; the gates are ${Object.keys(GATES).join(", ")}`);
    return 2;
  }
  let failed = 0;
  for (const name of names.length > 0 ? names : Object.keys(GATES)) {
    const gate = GATES[name];
    const began = performance.now();
    const { code, output, count } = gate.run();
    const enough = count >= gate.floor;
    const passed = code === 0 && enough;
    if (!passed) failed += 1;
    if (code !== 0) console.log(output.trim());
    if (code === 0 && !enough)
      console.log(`${name} looked at ${count} ${gate.looksAt}, at least ${gate.floor} are expected: it does not see the tree`);
    console.log(
      `${passed ? "ok    " : "FAILED"} ${name.padEnd(13)} ${count} ${gate.looksAt}  (${((performance.now() - began) / 1000).toFixed(1)} s)`,
    );
  }
  console.log(failed === 0 ? "check: all gates passed" : `check: ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function tool(script, args) {
  const result = spawnSync(pinnedNode(), [join(root, "node_modules", script), ...args], {
    cwd: root,
    encoding: "utf8",
    env: pinnedEnvironment({ NO_COLOR: "1", FORCE_COLOR: undefined }),
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: result.status ?? 1, output: `${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}` };
}

function vitest(file) {
  return tool("vitest/vitest.mjs", ["run", "--reporter=default", file]);
}

function number(output, pattern) {
  return Number(pattern.exec(output)?.[1] ?? 0);
}
