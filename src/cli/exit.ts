import { CommanderError } from "commander";
import { ClientError } from "../client/index.ts";
import { BatchyardError, type Fault } from "../model/errors.ts";

/** What the exit code of every command says. */
export const EXIT = { ok: 0, error: 1, usage: 2, unreachable: 3, failedItems: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a sentence on stderr and a code. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.error) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A wrong command line: what is wrong and what is allowed. */
export function usage(message: string): CommandError {
  return new CommandError(message, EXIT.usage);
}

/** What to print and how to end for anything a command throws. */
export function verdictOf(error: unknown): { exitCode: number; lines: string[] } {
  // Commander has printed its own message by now; help and version end well.
  if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage, lines: [] };
  if (error instanceof CommandError) return { exitCode: error.exitCode, lines: [error.message] };
  if (error instanceof ClientError)
    return { exitCode: error.code === "unreachable" ? EXIT.unreachable : EXIT.error, lines: clientLines(error) };
  if (error instanceof BatchyardError) return { exitCode: EXIT.error, lines: [error.message, ...rest(error.message, error.errors ?? [])] };
  return { exitCode: EXIT.error, lines: [error instanceof Error ? error.message : String(error)] };
}

function clientLines(error: ClientError): string[] {
  if (error.code === "unreachable") return [error.message, "Start a server with 'batchyard serve', or name another one with --url"];
  if (error.status === 401)
    return [error.message, "Set BATCHYARD_TOKEN to an API key, or run this beside the server's data directory (--data)"];
  return [error.message, ...rest(error.message, error.details)];
}

/** The faults that the sentence does not show already. */
function rest(sentence: string, faults: readonly Fault[]): string[] {
  return faults
    .map((fault) => (fault.path === "" ? fault.message : `${fault.path}: ${fault.message}`))
    .filter((line) => !sentence.includes(line))
    .map((line) => `  ${line}`);
}
