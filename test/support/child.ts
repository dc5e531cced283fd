import { spawn, type ChildProcess } from "node:child_process";

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const alive = new Set<Child>();

/** A process of a test: its output by lines, its end, and signals to it. `endChildren` in afterEach ends what is left. */
export class Child {
  readonly ended: Promise<Ended>;
  /** Lines of stdout and stderr together, as they came. */
  readonly lines: string[] = [];
  private readonly process: ChildProcess;
  private readonly waiting = new Set<() => void>();
  private isEnded = false;

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.process = spawn(command, args, { env: { PATH: process.env["PATH"], ...env }, stdio: ["ignore", "pipe", "pipe"] });
    alive.add(this);
    for (const stream of [this.process.stdout!, this.process.stderr!]) this.hear(stream);
    this.ended = new Promise((resolve, reject) => {
      this.process.once("error", reject);
      // "close", not "exit": the last lines are read by then.
      this.process.once("close", (code, signal) => {
        alive.delete(this);
        this.isEnded = true;
        this.tell();
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.process.pid!;
  }

  get output(): string {
    return this.lines.join("\n");
  }

  /** False when it has ended already. */
  kill(signal: NodeJS.Signals): boolean {
    return this.process.kill(signal);
  }

  /** Resolves when it has ended and said everything. */
  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.kill(signal);
    return this.ended;
  }

  /** The first line that matches, said before or from now on. Throws with all it said when it ends without. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (let seen = 0; ;) {
      for (; seen < this.lines.length; seen++) {
        const match = pattern.exec(this.lines[seen]!);
        if (match !== null) return match;
      }
      if (this.isEnded) throw new Error(`The process ended without a line like ${pattern}. It said:\n${this.output}`);
      await new Promise<void>((resolve) => {
        const told = (): void => {
          this.waiting.delete(told);
          resolve();
        };
        this.waiting.add(told);
      });
    }
  }

  private hear(stream: NodeJS.ReadableStream): void {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
      this.tell();
    });
    stream.on("end", () => {
      if (rest !== "") this.lines.push(rest);
    });
  }

  private tell(): void {
    for (const told of this.waiting) told();
  }
}

/** Ends every process that a test left, by its id, stopped ones too. */
export async function endChildren(): Promise<void> {
  await Promise.all([...alive].map((child) => child.end("SIGKILL")));
}
