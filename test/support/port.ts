import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Systems hand out ports above these to whoever asks for any. */
const RANGE = { from: 10_000, to: 30_000 };

/** A port for a server that goes and comes back, or that nobody is to answer at: nobody is given it meanwhile. */
export async function keptPort(): Promise<number> {
  for (;;) {
    const port = randomInt(RANGE.from, RANGE.to);
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
