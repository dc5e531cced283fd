import { spawn } from "node:child_process";
import { HeldScreen } from "./held-screen.ts";
import type { RunOptions } from "./options.ts";
import { Program, type Surround } from "./program.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * The dashboard on a terminal until someone leaves it; what it saw last. The alternate screen, the cursor and the line
 * discipline are restored however it ends. Throws ClientError when the server cannot be asked at the start.
 */
export async function runLive(options: RunOptions): Promise<Snapshot | null> {
  const program = new Program(options, surround(options.browser));
  await program.start();
  // Ink takes as long to load as everything before it: the first frame does not wait for it.
  const held = new HeldScreen(process.stdout, process.stdin);
  try {
    held.draw((size) => program.screen(size));
    const { show } = await import("./screen.ts");
    await show(program, held);
  } finally {
    held.release();
    program.close();
  }
  return program.snapshot;
}

function surround(browser: string | null): Surround {
  return {
    write: (text) => void process.stdout.write(text),
    browse(url) {
      const [command, ...args] = browserOf(browser, url);
      const child = spawn(command, args, { stdio: "ignore", detached: true });
      // Where there is no browser the address stands in the last line.
      child.on("error", () => undefined);
      child.unref();
    },
  };
}

/** The command that opens the page: of `BROWSER`, as its convention says the first of several and `%s` the address. */
function browserOf(browser: string | null, url: string): readonly [string, ...string[]] {
  const [command, ...args] = (browser ?? "")
    .split(":")[0]!
    .split(" ")
    .filter((word) => word !== "");
  if (command !== undefined)
    return args.includes("%s") ? [command, ...args.map((arg) => (arg === "%s" ? url : arg))] : [command, ...args, url];
  if (process.platform === "darwin") return ["open", url];
  return process.platform === "win32" ? ["cmd", "/c", "start", "", url] : ["xdg-open", url];
}
