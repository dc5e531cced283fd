import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseRuntime } from "../config.ts";
import { BatchyardError } from "../model/errors.ts";

/** `data/runtime.env`: what was changed while the server ran. Written whole: a reader sees the old file or the new one. */
export class RuntimeFile {
  readonly path: string;

  constructor(directory: string) {
    this.path = join(directory, "runtime.env");
  }

  /** Empty when there is none. Throws settings_not_saved. */
  async read(): Promise<Record<string, string>> {
    try {
      return parseRuntime(await readFile(this.path, "utf8"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
      throw this.notSaved(error);
    }
  }

  /** `KEY=value`, sorted. Throws settings_not_saved; then the old file is as it was. */
  async write(values: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.keys(values)
      .sort()
      .map((name) => `${name}=${values[name]}\n`);
    const draft = `${this.path}.${process.pid}.tmp`;
    try {
      const file = await open(draft, "w", 0o600);
      try {
        await file.writeFile(lines.join(""));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, this.path);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw this.notSaved(error);
    }
    await this.syncDirectory();
  }

  /** The name, too, survives a power cut. Where a directory cannot be opened, the file system sees to it itself. */
  private async syncDirectory(): Promise<void> {
    const directory = await open(dirname(this.path), "r").catch(() => null);
    await directory?.sync().catch(() => undefined);
    await directory?.close();
  }

  private notSaved(error: unknown): BatchyardError {
    return new BatchyardError("settings_not_saved", { reason: (error as NodeJS.ErrnoException).code ?? "unknown" }, { cause: error });
  }
}
