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
  const program = new Program(options, surround());
  await program.start();
  // Ink takes as long to load as everything before it: the first frame does not wait for it.
  const held = new HeldScreen(process.stdout, process.stdin);
  try {
    held.draw((size) => program.screen(size));
    const { show } = await import("./screen.ts");
    held.handOver();
    await show(program);
  } finally {
    held.release();
    program.close();
  }
  return program.snapshot;
}

function surround(): Surround {
  return {
    write: (text) => void process.stdout.write(text),
    browse(url) {
      const [command, ...args] =
        process.platform === "darwin" ? ["open"] : process.platform === "win32" ? ["cmd", "/c", "start", ""] : ["xdg-open"];
      const child = spawn(command, [...args, url], { stdio: "ignore", detached: true });
      // Where there is no browser the address stands in the last line.
      child.on("error", () => undefined);
      child.unref();
    },
  };
}
