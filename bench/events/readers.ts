/** The readers of bench/events.ts in a process of their own: SSE connections and Socket.IO clients that measure how late events come. */
import { get } from "node:http";
import { io, type Socket } from "socket.io-client";
import { FrameParser } from "../../src/client/sse.ts";
import { partType, unmergeData } from "../../src/model/merged-event.ts";
import { percentile } from "../support/report.ts";
import type { Figures, ReaderCommand } from "./messages.ts";

let frames = 0;
let delays: number[] = [];
let criticals: number[] = [];
let packets = 0;
const open: { destroy(): void }[] = [];
const sockets: Socket[] = [];
/** One in so many readers parses what it gets; the others only take it, as a thousand browsers would on machines of their own. */
const PARSED_EVERY = 20;

async function connect({ url, token, query, sse, sockets: many }: Extract<ReaderCommand, { read: "open" }>): Promise<void> {
  for (const each of open.splice(0)) each.destroy();
  for (const each of sockets.splice(0)) each.disconnect();
  await Promise.all(Array.from({ length: sse }, (_, at) => follow(`${url}/api/events${query}`, token, at % PARSED_EVERY === 0)));
  await Promise.all(
    Array.from({ length: many }, (_, at) => {
      const socket = io(url, { transports: ["websocket"], auth: { token }, forceNew: true, reconnection: false });
      sockets.push(socket);
      if (at % PARSED_EVERY === 0)
        for (const name of ["batch:started", "batch:paused", "batch:resumed"]) socket.on(name, () => (packets += 1));
      return new Promise<void>((resolve, reject) => {
        socket.once("welcome", () => resolve());
        socket.once("connect_error", reject);
      });
    }),
  );
  frames = 0;
  packets = 0;
  [delays, criticals] = [[], []];
}

function follow(url: string, token: string, isParsed: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers: { authorization: `Bearer ${token}` }, agent: false }, (response) => {
      const parser = new FrameParser();
      response.setEncoding("utf8");
      response.once("data", () => resolve());
      if (!isParsed) return response.resume();
      return response.on("data", (text: string) => {
        const now = Date.now();
        for (const frame of parser.push(text)) {
          if (/^(stream\.|heartbeat|bye)/.test(frame.event)) continue;
          frames += 1;
          const { data } = JSON.parse(frame.data) as { data: Record<string, unknown> };
          const parts = partType(frame.event) === null ? [data] : unmergeData(data);
          const list = frame.event === "chunk.stalled" ? criticals : delays;
          for (const part of parts) list.push(now - (part["at"] as number));
        }
      });
    });
    open.push(request);
    request.on("error", reject);
  });
}

process.on("message", (command: ReaderCommand) => {
  if (command.read === "open") void connect(command).then(() => process.send?.({ opened: true }));
  else {
    const sorted = delays.toSorted((a, b) => a - b);
    const figures: Figures = {
      frames,
      events: delays.length + criticals.length,
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
      criticalP99: percentile(
        criticals.toSorted((a, b) => a - b),
        0.99,
      ),
      packets,
    };
    process.send?.(figures);
  }
});
process.send?.({ up: true });
// Nobody is left to answer.
process.on("disconnect", () => process.exit(1));
