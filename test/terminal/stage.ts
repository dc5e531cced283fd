import { join } from "node:path";
import { TOKEN } from "../support/served.ts";
import { Terminal, type TerminalOptions } from "./tmux.ts";

/** The command, from the sources. */
export const NODE = `${process.execPath} --conditions=batchyard-source ${join(import.meta.dirname, "../../src/cli/main.ts")}`;

/** Items of which none fails. */
export const items = (count: number): { id: string; n: number }[] => Array.from({ length: count }, (_, n) => ({ id: `i${n}`, n: n * 100 }));
/** A stream whose windows stay open for longer than the tests take, where the machine is slow, too. */
export const lasting = { operation: "steady", windowSeconds: 86_400, idleTimeoutSeconds: 43_200, maxItems: 50 };
/** A batch that never ends by itself: its items wait at a gate that nobody opens. */
export const slow = {
  operation: "steady",
  options: { gate: { file: join(import.meta.dirname, "never"), from: 0 }, timeout: 3_600_000, batchSize: 5, concurrency: 1 },
};

let terminal: Terminal | null = null;

/** A shell that is ready for a line. */
export async function open(options: Partial<TerminalOptions> = {}): Promise<Terminal> {
  terminal = new Terminal({ columns: 120, rows: 40, ...options, env: { BATCHYARD_TOKEN: TOKEN, ...options.env } });
  await terminal.shows("ready>");
  return terminal;
}

/** The dashboard on a terminal, once it is drawn. */
export async function shown(url: string, args = "", options: Partial<TerminalOptions> = {}): Promise<Terminal> {
  const opened = await open(options);
  opened.run(`${NODE} live --url ${url} ${args}; echo "ended $?"`);
  await opened.shows(/● live|frozen/);
  return opened;
}

export function closeTerminal(): void {
  terminal?.close();
  terminal = null;
}
