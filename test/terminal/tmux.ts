import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";

/** Named by scripts/test.mjs, which installs it; else the one of this machine. */
const TMUX = process.env["TEST_TMUX"] ?? "tmux";
/** What hangs is told from what is slow. */
const PATIENCE = { timeout: 120_000, interval: 25 };

export interface TerminalOptions {
  columns: number;
  rows: number;
  /** Beside PATH and what tmux sets. */
  env?: Readonly<Record<string, string>>;
  /** The command that runs in it; `sh` unless told. */
  shell?: string;
}

/** A terminal of its own, with a shell in it: what stands on its screen, and keys for it. */
export class Terminal {
  readonly #folder: string;
  readonly #socket: string;

  constructor({ columns, rows, env = {}, shell = "sh" }: TerminalOptions) {
    this.#folder = mkdtempSync(join(tmpdir(), "batchyard-tmux-"));
    this.#socket = join(this.#folder, "socket");
    const size = ["-x", String(columns), "-y", String(rows)];
    const surroundings = Object.entries({ PS1: "ready> ", PATH: process.env["PATH"] ?? "", HOME: this.#folder, LANG: "C.UTF-8", ...env });
    const set = surroundings.flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    this.#tmux(
      "-f",
      "/dev/null",
      "-u",
      "new-session",
      "-d",
      ...size,
      ...set,
      "env",
      "-u",
      "CI",
      ...(env["CI"] === undefined ? [] : [`CI=${env["CI"]}`]),
      ...termOf(env),
      ...shell.split(" "),
    );
    this.#tmux("set-option", "-s", "set-clipboard", "on");
  }

  /** Types a line into the shell. */
  run(line: string): void {
    this.#tmux("send-keys", "-l", line);
    this.keys("Enter");
  }

  /** Keys as tmux names them: `Enter`, `Escape`, `C-c`, `Down`. */
  keys(...keys: string[]): void {
    this.#tmux("send-keys", ...keys);
  }

  type(text: string): void {
    this.#tmux("send-keys", "-l", text);
  }

  resize(columns: number, rows: number): void {
    this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** The lines of the screen without blanks at their ends; `codes`: with colours. */
  screen(codes = false): string {
    return this.#tmux("capture-pane", "-p", ...(codes ? ["-e"] : [])).replace(/\n+$/, "");
  }

  /** What tmux knows of the terminal, such as `alternate_on` and `cursor_flag`. */
  flag(name: string): string {
    return this.#tmux("display-message", "-p", `#{${name}}`).trim();
  }

  /** What a program on it has copied to the clipboard by OSC 52. */
  get clipboard(): string {
    return this.#tmux("show-buffer");
  }

  get pid(): number {
    return Number(this.flag("pane_pid"));
  }

  /** Waits until the screen shows it; the screen then. */
  async shows(wanted: string | RegExp | ((screen: string) => boolean)): Promise<string> {
    let screen = "";
    const isShown = (): boolean => {
      screen = this.screen();
      return typeof wanted === "string" ? screen.includes(wanted) : wanted instanceof RegExp ? wanted.test(screen) : wanted(screen);
    };
    try {
      await vi.waitUntil(isShown, PATIENCE);
    } catch (cause) {
      throw new Error(`The screen never showed ${String(wanted)}. It shows:\n${screen}`, { cause });
    }
    return screen;
  }

  close(): void {
    try {
      this.#tmux("kill-server");
    } catch {
      // Its last shell has ended, and so has it.
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #tmux(...args: string[]): string {
    return execFileSync(TMUX, ["-S", this.#socket, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }
}

/** tmux sets TERM itself: another one is set behind it. */
function termOf({ TERM }: Readonly<Record<string, string>>): string[] {
  return TERM === undefined ? [] : [`TERM=${TERM}`];
}
