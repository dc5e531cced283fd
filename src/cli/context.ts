import type { Terminal } from "../terminal/terminal.ts";
import type { ExitCode } from "./exit.ts";

/** What every command is given. */
export interface Context {
  readonly terminal: Terminal;
  /** Ends the program with this code once the command is through. */
  end(code: ExitCode): void;
}
