import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";

interface Link {
  /** The client's side. */
  near: Socket;
  far: Socket;
  /** Bytes of the server that were handed on. */
  bytes: number;
  /** The last of them: enough to find a frame by its name in. */
  tail: string;
  /** The link is cut when it has carried this many bytes. */
  cutAt: number;
}

const TAIL = 2_000;
/** What ends a frame on the wire: its blank line, and the end of the piece of the body that it came in. */
const FRAME_END = /\n\n(\r\n)?$/;

/** A TCP proxy that cuts the connections it carries, wherever their bytes are. Its own address stays while servers come and go. */
export class CuttingProxy {
  /** Connections that had carried bytes of the server when they were cut, and those of them that were cut within a frame. */
  readonly cuts = { all: 0, withinFrame: 0 };
  private readonly links = new Set<Link>();
  private isHeld = false;
  private until: string | null = null;
  private readonly server: Server;

  /** `upstream` is asked at each connection; null refuses it. */
  constructor(upstream: () => number | null) {
    this.server = createServer((near) => {
      const port = upstream();
      near.on("error", () => undefined);
      if (port === null) return void near.destroy();
      const far = connect(port, "127.0.0.1");
      const link: Link = { near, far, bytes: 0, tail: "", cutAt: Infinity };
      this.links.add(link);
      const gone = (): void => {
        this.links.delete(link);
        near.destroy();
        far.destroy();
      };
      for (const side of [near, far]) side.on("close", gone).on("error", gone);
      near.pipe(far);
      far.on("data", (piece: Buffer) => this.carry(link, piece));
      near.on("drain", () => {
        if (!this.isHeld) far.resume();
      });
      return undefined;
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Connections that have carried bytes of the server. */
  get live(): number {
    return [...this.links].filter((link) => link.bytes > 0).length;
  }

  /** Every connection, after `bytes` more of the server's bytes, or at once. */
  cut(bytes: number): void {
    for (const link of this.links) {
      if (bytes === 0) this.sever(link);
      else link.cutAt = Math.min(link.cutAt, link.bytes + bytes);
    }
  }

  /** From now on nothing of the server is read: its clients have stopped reading. */
  hold(): void {
    this.isHeld = true;
    for (const { far } of this.links) far.pause();
  }

  /** Its clients read again; with `until`, they stop behind the frame that has these words. */
  release(until: string | null = null): void {
    this.isHeld = false;
    this.until = until;
    for (const { far } of this.links) far.resume();
  }

  async close(): Promise<void> {
    for (const link of this.links) link.near.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private carry(link: Link, piece: Buffer): void {
    const end = this.frameEnd(link, piece);
    if (end !== null) {
      this.hold();
      link.far.unshift(piece.subarray(end));
    }
    const part = piece.subarray(0, Math.max(0, Math.min(end ?? Infinity, link.cutAt - link.bytes)));
    link.bytes += part.length;
    link.tail = (link.tail + part.toString("latin1")).slice(-TAIL);
    if (link.bytes < link.cutAt) {
      if (!link.near.write(part)) link.far.pause();
      return;
    }
    // What was handed on arrives; then it is over.
    link.near.write(part, () => this.sever(link));
  }

  /** Where in this piece the frame ends that is waited for; null = not in this one. */
  private frameEnd(link: Link, piece: Buffer): number | null {
    if (this.until === null) return null;
    const read = link.tail + piece.toString("latin1");
    const found = read.indexOf(this.until);
    const end = found === -1 ? -1 : read.indexOf("\n\n", found);
    if (end === -1) return null;
    this.until = null;
    return end + 2 - link.tail.length;
  }

  private sever(link: Link): void {
    if (!this.links.delete(link)) return;
    if (link.bytes > 0) {
      this.cuts.all += 1;
      if (!FRAME_END.test(link.tail)) this.cuts.withinFrame += 1;
    }
    link.near.destroy();
    link.far.resetAndDestroy();
  }
}
