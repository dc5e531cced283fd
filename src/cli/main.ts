import type { Context } from "./context.ts";
import { verdictOf } from "./exit.ts";
import { createProgram } from "./program.ts";
import { clean, createTerminal } from "../terminal/terminal.ts";

/** The `batchyard` command. */

/** What is still open when a command is done gets this long to close. */
const LINGER_MS = 1000;

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const terminal = createTerminal();

try {
  const [, , asked] = process.argv;
  const context: Context = {
    terminal,
    end(code) {
      process.exitCode = code;
    },
  };
  const program = await createProgram(context, asked);
  if (asked === undefined) program.help({ error: true });
  await program.parseAsync();
} catch (error) {
  const { exitCode, lines } = verdictOf(error);
  // What a server or a file said is in them.
  for (const line of lines.flatMap((text) => text.split("\n"))) terminal.say(clean(line));
  process.exitCode = exitCode;
}

// Handlers that never end leave timers and sockets behind. Their items went back to the store by now, so the process ends all the same.
setTimeout(() => process.exit(), LINGER_MS).unref();
