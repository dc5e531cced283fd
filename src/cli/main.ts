import { verdictOf } from "./exit.ts";
import { createProgram } from "./program.ts";
import { createTerminal } from "./terminal.ts";

/** The `batchyard` command. */

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const terminal = createTerminal();
const program = createProgram({
  terminal,
  end(code) {
    process.exitCode = code;
  },
});

try {
  if (process.argv.length <= 2) program.help({ error: true });
  await program.parseAsync();
} catch (error) {
  const { exitCode, lines } = verdictOf(error);
  for (const line of lines) terminal.say(line);
  process.exitCode = exitCode;
}
