/** A turn of the event loop may last this long before handlers let timers, sockets and other chunks in. */
const TURN_MS = 10;

/**
 * Handlers that never really wait (pure computation, or promises that are already resolved) would keep the event loop to
 * themselves. Everyone who runs items in this process asks here after each item, and waits for the next turn when due.
 */
let turnStarted = performance.now();
let nextTurn: Promise<void> | null = null;

export function breatheDue(now: number): boolean {
  return now - turnStarted > TURN_MS;
}

/** Resolves in the next turn; all who ask within one turn share it. */
export function breathe(): Promise<void> {
  nextTurn ??= new Promise((resolve) => {
    setImmediate(() => {
      turnStarted = performance.now();
      nextTurn = null;
      resolve();
    });
  });
  return nextTurn;
}
