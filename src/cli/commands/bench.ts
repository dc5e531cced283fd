import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { CommandError, usage } from "../exit.ts";

const FOLDER = fileURLToPath(new URL("../../../bench/", import.meta.url));
// The benchmarks import the package by its name; from a checkout that means the sources.
const FROM_SOURCE = "--conditions=batchyard-source";

export function addBench(program: Command, context: Context): void {
  program
    .command("bench")
    .description("run a benchmark of the checkout; without a name, list them")
    .argument("[name]", "name of the benchmark")
    .argument("[args...]", "arguments of the benchmark, after --")
    .addHelpText("after", "\nExample:\n  $ batchyard bench store -- --items 1000000")
    .action(async (name: string | undefined, args: string[]) => {
      const names = benchmarks();
      if (names.length === 0) throw new CommandError("There are no benchmarks here: they belong to the checkout, not to the package");
      if (name === undefined) return context.terminal.out(names.map((each) => `${each}\n`).join(""));
      if (!names.includes(name)) throw usage(`There is no benchmark '${name}'; there are ${names.join(", ")}`);
      const child = spawn(process.execPath, [FROM_SOURCE, join(FOLDER, `${name}.ts`), ...args], { stdio: "inherit" });
      const code = await new Promise<number>((resolve, reject) => {
        child.on("error", reject);
        child.on("exit", (exit) => resolve(exit ?? 1));
      });
      if (code !== 0) throw new CommandError(`The benchmark ${name} ended with ${code}`);
    });
}

function benchmarks(): string[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER)
    .filter((file) => /^[a-z][a-z0-9-]*\.ts$/.test(file))
    .map((file) => file.slice(0, -".ts".length))
    .sort();
}
