import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export const TOKEN = "bench-token-of-sixteen-or-more";
const main = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");

export interface Server {
  url: string;
  stop(): Promise<void>;
}

/** `batchyard serve` over a store, without workers, in a process of its own. */
export async function serve(data: string): Promise<Server> {
  const child = spawn(process.execPath, ["--conditions=batchyard-source", main, "serve", "--port", "0", "--data", data, "--workers", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, BATCHYARD_TOKEN: TOKEN, LOG_LEVEL: "warn", BATCH_RETENTION_DAYS: "365" },
  });
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stderr.on("data", (part: Buffer) => {
      text += part.toString();
      const ready = /^ready (http\S+)/m.exec(text);
      if (ready !== null) resolve(ready[1]!);
    });
    child.once("exit", (code) => reject(new Error(`serve ended with ${code}: ${text}`)));
  });
  child.removeAllListeners("exit");
  return {
    url,
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}
