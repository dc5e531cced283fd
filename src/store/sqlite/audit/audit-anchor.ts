import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Between two writes of the anchor: a thousand entries a second would else keep a processor busy with it. */
const REST_MS = 5;
/** Between two that are waited for until the disk has them: those wait for other writes, too. */
const DURABLE_MS = 1000;

export interface Head {
  seq: number;
  hash: string;
}

/** A head and when its entry was written, Unix milliseconds. */
export interface Mark extends Head {
  at: number;
}

/** `base`: the last entry that retention removed, where the chain that is kept begins; absent = none was. */
export interface Anchored extends Head {
  base?: Head;
}

/**
 * The head of the chain, kept in a file beside the store: whoever cuts or rewrites the table does not thereby change it. Nobody waits
 * for the file: it is written behind the entries, one write after the other, each with the newest head there is when it starts. When
 * the process dies it is behind by what was written during one or two such writes and the rest between them, never ahead.
 *
 * Now and then, and at the end, a head is on the disk for sure, so that not even a power cut brings back an earlier one: `durable` is
 * told, and the store remembers that the anchor has been there.
 */
export class AuditAnchor {
  private readonly path: string;
  private readonly durable: (mark: Mark) => void;
  private wanted: Mark | null = null;
  private written: Mark | null = null;
  private told: Mark | null = null;
  private toldAt = -Infinity;
  private base: Head | null;
  private writing: Promise<void> | null = null;

  constructor(directory: string, durable: (mark: Mark) => void = () => {}) {
    this.path = join(directory, "audit.anchor");
    this.durable = durable;
    this.base = this.read()?.base ?? null;
  }

  read(): Anchored | null {
    try {
      const found = JSON.parse(readFileSync(this.path, "utf8")) as Partial<Anchored>;
      const { base } = found;
      return isHead(found) ? { seq: found.seq, hash: found.hash, ...(isHead(base) ? { base } : {}) } : null;
    } catch {
      return null;
    }
  }

  /** The file is the old one or the new one, whenever the process dies; behind this call the disk has the new one. */
  write(head: Head, base: Head | null): void {
    this.base = base;
    const file = openSync(this.fresh, "w", 0o600);
    try {
      writeSync(file, this.textOf(head));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(this.fresh, this.path);
    const folder = openSync(dirname(this.path), "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  /** From now on the chain may begin after this entry. In the file before entries go, so that it never begins later than the file allows. */
  async rebase(base: Head): Promise<void> {
    await this.settled();
    const head = this.read();
    if (head !== null) this.write(head, base);
  }

  /** An entry was committed: the file is to follow. */
  follow(mark: Mark): void {
    this.wanted = mark;
    this.writing ??= this.catchUp();
  }

  /** Resolves when the file has what was handed over so far, or could not be written. */
  async settled(): Promise<void> {
    if (this.wanted !== this.written) this.writing ??= this.catchUp();
    await this.writing;
  }

  /** The same, and what the file has is on the disk. */
  async close(): Promise<void> {
    await this.settled();
    if (this.written === null || this.written === this.told) return;
    try {
      await this.put(this.written, true);
    } catch {
      // The next start remembers it.
    }
  }

  private get fresh(): string {
    return `${this.path}.new`;
  }

  private textOf({ seq, hash }: Head): string {
    return `${JSON.stringify(this.base === null ? { seq, hash } : { seq, hash, base: this.base })}\n`;
  }

  private async catchUp(): Promise<void> {
    try {
      while (this.wanted !== null && this.wanted !== this.written) {
        const mark = this.wanted;
        await this.put(mark, performance.now() - this.toldAt >= DURABLE_MS);
        if (this.wanted !== mark) await pause(REST_MS);
      }
    } catch {
      // The disk is full, say: the anchor stays behind, which is found out only if the log is touched, and the next entry tries again.
    } finally {
      this.writing = null;
    }
  }

  private async put(mark: Mark, durable: boolean): Promise<void> {
    const file = await open(this.fresh, "w", 0o600);
    try {
      await file.writeFile(this.textOf(mark));
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(this.fresh, this.path);
    this.written = mark;
    if (!durable) return;
    const folder = await open(dirname(this.path), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    this.durable(mark);
    this.told = mark;
    this.toldAt = performance.now();
  }
}

function isHead(found: Partial<Head> | undefined): found is Head {
  return typeof found?.seq === "number" && typeof found.hash === "string";
}
