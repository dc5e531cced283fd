import { existsSync, watch } from "node:fs";
import { dirname } from "node:path";

const gates = new Map<string, Promise<void>>();

/** Resolves when the file is there: one watch, however many wait. Its folder has to be there before. Keeps no process alive. */
export function opened(file: string): Promise<void> {
  const gate =
    gates.get(file) ??
    new Promise<void>((resolve) => {
      const look = (): void => {
        if (!existsSync(file)) return;
        watcher.close();
        resolve();
      };
      const watcher = watch(dirname(file), look).unref();
      // It may have been there before the watch.
      look();
    });
  gates.set(file, gate);
  return gate;
}

/** Rejects with the signal's reason: what waits at a gate goes when it is stopped. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
