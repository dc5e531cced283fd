/**
 * Connections that take what comes and count its bytes: a thousand readers must cost this machine no more than their sockets, as
 * they would on machines of their own.
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

/** One for all: what a read leaves in it is counted before the next. */
const shared = Buffer.allocUnsafe(256 * 1024);

export class ByteCounter {
  bytes = 0;
  private readonly socket: Socket;
  private head = "";
  private waiting: { text: string; resolve: () => void } | null = null;

  constructor(url: URL, failed: (error: Error) => void) {
    this.socket = connect({
      host: url.hostname,
      port: Number(url.port),
      onread: {
        buffer: shared,
        callback: (size, buffer) => {
          this.bytes += size;
          if (this.waiting !== null) this.look(Buffer.from(buffer.buffer, buffer.byteOffset, size).toString("latin1"));
          return true;
        },
      },
    });
    this.socket.on("error", failed);
  }

  async followEvents(path: string, token: string): Promise<void> {
    this.socket.write(`GET ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\n\r\n`);
    await this.until("event: stream.hello");
  }

  async joinSockets(auth: Record<string, unknown>): Promise<void> {
    const key = randomBytes(16).toString("base64");
    this.socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: bench\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
    );
    await this.until('0{"sid"');
    this.socket.write(masked(`40${JSON.stringify(auth)}`));
    await this.until('"welcome"');
  }

  close(): void {
    this.socket.destroy();
  }

  private until(text: string): Promise<void> {
    this.head = "";
    return new Promise((resolve) => (this.waiting = { text, resolve }));
  }

  private look(text: string): void {
    this.head += text;
    if (this.waiting === null || !this.head.includes(this.waiting.text)) return;
    const { resolve } = this.waiting;
    this.waiting = null;
    this.head = "";
    resolve();
  }
}

/** A text frame as a client sends it. The mask is all zeros: nothing between here and the server could be confused by it. */
function masked(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = payload.length < 126 ? [0x81, 0x80 | payload.length] : [0x81, 0x80 | 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}
