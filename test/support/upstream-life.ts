import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./sources.ts";

/** A program over one data directory that can be run, killed, and run again. */
export function startProgram(baseURL: string): {
  /** Runs it until it is done, or dies at `point`. */
  live(point: string | null): Promise<"killed" | { succeeded: number }>;
  remove(): void;
} {
  const data = mkdtempSync(join(tmpdir(), "batchyard-life-"));
  let lives = 0;
  return {
    live: (point) =>
      new Promise((resolve, reject) => {
        const script = join(ROOT, "test/support/programs/upstream-program.ts");
        const child = spawn(process.execPath, ["--conditions=batchyard-source", script, data, baseURL, String(lives++), point ?? ""], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        let out = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
        child.once("error", reject).once("close", (code, signal) => {
          if (signal === "SIGKILL") resolve("killed");
          else if (code === 0) resolve(JSON.parse(out) as { succeeded: number });
          else reject(new Error(`The program ended with ${code}`));
        });
      }),
    remove: () => rmSync(data, { recursive: true, force: true }),
  };
}
