import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { BrowserContext, Page } from "playwright-core";
import { seeded } from "./random.ts";

/** Each way, so that an answer may be as old as this when it arrives. */
const LONGEST_DELAY_MS = 200;

/** Makes a browser as slow as a busy machine is, to find what only works on a quick one. */
export class SlowMachine {
  readonly #factor: number;
  readonly #random: () => number;
  readonly #road: Server;
  readonly #sockets = new Set<Socket>();

  /** `wanted`: how many times slower the processor is, and the seed of the delays: "6" or "6:17". */
  constructor(wanted: string) {
    const [factor = "", seed = "1"] = wanted.split(":");
    if (!(Number(factor) >= 1) || !Number.isInteger(Number(seed)))
      throw new Error(`TEST_CHAOS is '${wanted}'; it is a factor from 1 and perhaps a seed: 6 or 6:17`);
    this.#factor = Number(factor);
    this.#random = seeded(Number(seed));
    this.#road = createServer((from, to) => void this.#carry(from, to));
    this.#road.on("connection", (socket) => this.#kept(socket));
    // What is no plain HTTP, as WebSockets are, goes through as it is.
    this.#road.on("connect", ({ url = "" }: IncomingMessage, near: Socket) => {
      const { hostname, port } = new URL(`tcp://${url}`);
      const far = this.#kept(connect(Number(port), hostname, () => near.write("HTTP/1.1 200 OK\r\n\r\n")));
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const)
        one
          .on("error", () => other.destroy())
          .on("close", () => other.destroy())
          .pipe(other);
    });
  }

  /** The address of the proxy through which everything arrives late, or in another order. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#road.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#road.address() as AddressInfo).port}`;
  }

  /** Every page of this context computes slowly. */
  slow(context: BrowserContext): void {
    context.on("page", (page) => void this.#throttle(page));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#road.close(resolve));
  }

  async #throttle(page: Page): Promise<void> {
    try {
      const session = await page.context().newCDPSession(page);
      await session.send("Emulation.setCPUThrottlingRate", { rate: this.#factor });
    } catch (error) {
      if (!page.isClosed()) throw error;
    }
  }

  async #carry(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const { method = "GET", headers, url = "" } = from;
    const lost = (): void => void to.destroy();
    await this.#delay();
    const asking = ask(url, { method, headers, agent: false }, (answer) => {
      answer.on("error", lost);
      void this.#delay().then(() => {
        to.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        to.flushHeaders();
        answer.pipe(to);
      });
    });
    asking.on("error", lost);
    to.on("close", () => asking.destroy());
    from.on("error", lost).pipe(asking);
  }

  #delay(): Promise<void> {
    return new Promise((resolve) => void setTimeout(resolve, this.#random() * LONGEST_DELAY_MS));
  }

  #kept(socket: Socket): Socket {
    this.#sockets.add(socket);
    return socket.on("close", () => this.#sockets.delete(socket));
  }
}
