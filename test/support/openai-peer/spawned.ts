import { join } from "node:path";
import { Child } from "../child.ts";
import type { Peer, PeerSettings } from "./peer.ts";
import type { PeerRecord } from "./record.ts";

/** A peer in a process of its own, which outlives a client that is killed. `endChildren` in afterEach ends it, too. `answers`: module whose default export answers. */
export async function spawnPeer(settings: PeerSettings = {}, answers?: string): Promise<Peer & { readonly child: Child }> {
  const file = join(import.meta.dirname, "child.ts");
  const given = [JSON.stringify(settings), ...(answers === undefined ? [] : [answers])];
  const child = new Child(process.execPath, ["--conditions=batchyard-source", file, ...given]);
  const [, baseURL, port] = await child.line(/^ready (\S+) (\d+)$/);
  const lead = async (method: Exclude<keyof Peer, "baseURL">, ...values: unknown[]): Promise<unknown> => {
    const body = JSON.stringify(values.filter((value) => value !== undefined));
    const answer = await fetch(`http://127.0.0.1:${port!}/${method}`, { method: "POST", body });
    if (!answer.ok) throw new Error(`${method}: ${await answer.text()}`);
    return answer.json();
  };
  return {
    child,
    baseURL: baseURL!,
    advance: async (steps) => void (await lead("advance", steps)),
    faults: async (schedule) => void (await lead("faults", schedule)),
    down: async (how, ms) => void (await lead("down", how, ms)),
    up: async () => void (await lead("up")),
    release: async () => void (await lead("release")),
    seen: async (call, count) => void (await lead("seen", call, count)),
    record: async () => (await lead("record")) as PeerRecord,
    close: async () => void (await child.end("SIGTERM")),
  };
}
