import type { Packet } from "./packet.ts";

/** Packets for the same readers, encoded once for all of them. */
export interface Burst {
  /** The room whose members alone get it; null = everybody. */
  readonly room: string | null;
  /** Socket.IO packets, for a transport that frames them itself. */
  readonly texts: readonly string[];
  /** The same as WebSocket frames one after the other. */
  readonly frames: Buffer;
}

/** In order; consecutive packets of one room are one burst. */
export function burstsOf(packets: readonly Packet[]): Burst[] {
  const runs: Packet[][] = [];
  for (const packet of packets) {
    const run = runs.at(-1);
    if (run !== undefined && run[0]!.room === packet.room) run.push(packet);
    else runs.push([packet]);
  }
  return runs.map((run) => {
    const texts = run.map(({ name, body }) => `${SOCKET_EVENT}${JSON.stringify([name, body])}`);
    return { room: run[0]!.room, texts, frames: Buffer.concat(texts.flatMap((text) => webSocketFrame(`${ENGINE_MESSAGE}${text}`))) };
  });
}

/** Bursts that follow each other, with as few writes as their rooms allow. */
export function joined(bursts: readonly Burst[]): Burst[] {
  const runs: Burst[][] = [];
  for (const burst of bursts) {
    const run = runs.at(-1);
    if (run !== undefined && run[0]!.room === burst.room) run.push(burst);
    else runs.push([burst]);
  }
  return runs.map((run) =>
    run.length === 1
      ? run[0]!
      : {
          room: run[0]!.room,
          texts: run.flatMap(({ texts }) => texts),
          frames: Buffer.concat(run.map(({ frames }) => frames)),
        },
  );
}

// Engine.IO 4 and Socket.IO 5: a message, that is an event of the main namespace without attachments.
const ENGINE_MESSAGE = "4";
const SOCKET_EVENT = "2";

/** A text frame of a server (RFC 6455): final, unmasked. */
function webSocketFrame(text: string): Buffer[] {
  const payload = Buffer.from(text);
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x81;
  if (length < 126) head[1] = length;
  else if (length < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return [head, payload];
}
