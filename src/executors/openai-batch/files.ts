import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

type Part = "input" | "output" | "error";

/** The files of attempts on this disk: `<directory>/<attempt>.<part>.jsonl`. */
export class AttemptFiles {
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  path(attempt: string, part: Part): string {
    return join(this.directory, `${attempt}.${part}.jsonl`);
  }

  /** All lines or none of them. */
  async writeInput(attempt: string, lines: Iterable<string>): Promise<{ bytes: number; sha256: string }> {
    await mkdir(this.directory, { recursive: true });
    const path = this.path(attempt, "input");
    const hash = createHash("sha256");
    let bytes = 0;
    function* counted(): Generator<Buffer> {
      for (const line of lines) {
        const data = Buffer.from(`${line}\n`);
        hash.update(data);
        bytes += data.length;
        yield data;
      }
    }
    await pipeline(Readable.from(counted(), { objectMode: true }), createWriteStream(`${path}.part`));
    await rename(`${path}.part`, path);
    return { bytes, sha256: hash.digest("hex") };
  }

  async has(attempt: string, part: Part): Promise<boolean> {
    try {
      await access(this.path(attempt, part));
      return true;
    } catch {
      return false;
    }
  }

  async remove(attempt: string): Promise<void> {
    for (const part of ["input", "output", "error"] as const) await rm(this.path(attempt, part), { force: true });
  }
}
