import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { ROOT } from "./sources.ts";

const LEFT_OUT = new Set(["node_modules", ".git", "dist", "data", "coverage", ".tmp", ".out"]);

/** A copy of the checkout with the same dependencies, to break on purpose. */
export class CheckoutCopy {
  readonly folder = mkdtempSync(join(tmpdir(), "batchyard-copy-"));
  private readonly undo: (() => void)[] = [];

  /** Of all of it, or of the files of its root and of `places` (folders and files, relative to it). */
  constructor(places: readonly string[] | null = null) {
    const isTaken = (path: string): boolean => {
      if (LEFT_OUT.has(basename(path))) return false;
      const place = relative(ROOT, path);
      if (places === null || (!place.includes("/") && !statSync(path).isDirectory())) return true;
      return places.some((each) => `${each}/`.startsWith(place === "" ? "" : `${place}/`) || `${place}/`.startsWith(`${each}/`));
    };
    // Times are kept: a lock file newer than what is installed would be installed again.
    cpSync(ROOT, this.folder, { recursive: true, preserveTimestamps: true, filter: isTaken });
    symlinkSync(join(ROOT, "node_modules"), join(this.folder, "node_modules"), "junction");
  }

  /** Writes a file that is not there. */
  plant(file: string, text: string): void {
    const path = join(this.folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: "wx" });
    this.undo.push(() => rmSync(path));
  }

  /** Changes a file that is there; `change` must change it. */
  change(file: string, change: (text: string) => string): void {
    const path = join(this.folder, file);
    const before = readFileSync(path, "utf8");
    const after = change(before);
    if (after === before) throw new Error(`${file} was not changed`);
    writeFileSync(path, after);
    this.undo.push(() => writeFileSync(path, before));
  }

  restore(): void {
    for (const step of this.undo.splice(0).toReversed()) step();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs one of the copy's own scripts under this Node, with `extra` in its environment. */
  run(script: string, args: string[], extra: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST") && name !== "NODE_OPTIONS"));
    const child = spawn(process.execPath, [join(this.folder, script), ...args], {
      cwd: this.folder,
      env: { ...env, NO_COLOR: "1", ...extra },
    });
    let output = "";
    const hear = (text: Buffer): void => void (output += text.toString());
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, output }));
    });
  }
}
