/**
 * An outside worker: leases one chunk, says so, and reports its results when it is continued after a stop. Says what the
 * server answered. With BEAT_MS it renews its lease that often, and adds a byte to the file SENT when a heartbeat is on its way;
 * SIGUSR2 ends that, and it says so once no heartbeat is under way.
 *
 *   node outside-worker.ts URL LEASE_MS [BEAT_MS SENT]
 */
import { appendFileSync } from "node:fs";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { resultOf, type Numbered } from "../fates.ts";

const [url, leaseMs, beatMs, sent] = process.argv.slice(2);
const headers = { authorization: `Bearer ${process.env["BATCHYARD_TOKEN"]}`, "content-type": "application/json" };
const post = (path: string, body: unknown): Promise<Response> => fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });

interface Leased {
  chunk: number;
  fence: number;
  leaseUntil: string;
  items: { key: string; payload: Numbered }[];
}

// Keeps the process alive while it waits for its signal.
const alive = setInterval(() => {}, 60_000);
const continued = new Promise<void>((resolve) => process.once("SIGCONT", resolve));
const { chunks } = (await (await post("/api/external/lease", { worker: "slow", max: 1, leaseMs: Number(leaseMs) })).json()) as {
  chunks: Leased[];
};
const { chunk, fence, leaseUntil, items } = chunks[0]!;
console.log(`leased ${chunk} fence ${fence} items ${items.length}`);
console.log(`until ${leaseUntil}`);
const beat = async (): Promise<void> => {
  const sentAt = Date.now();
  const answer = await new Promise<string>((resolve, reject) => {
    const asked = request(`${url}/api/external/heartbeat`, { method: "POST", headers, agent: false }, (response) => {
      text(response).then(resolve, reject);
    });
    // The system has all of it, however long the server takes to read it.
    asked.once("finish", () => appendFileSync(sent!, "."));
    asked.once("error", reject).end(JSON.stringify({ leases: [{ chunk, fence }], leaseMs: Number(leaseMs) }));
  });
  const { held } = JSON.parse(answer) as { held: number[] };
  console.log(`beat ${sentAt} held ${held.length}`);
};
let beaten = Promise.resolve();
const beating = beatMs === undefined ? undefined : setInterval(() => (beaten = beaten.then(beat)), Number(beatMs));
process.once("SIGUSR2", () => {
  clearInterval(beating);
  void beaten.then(() => console.log("silent"));
});
// Who renews its lease reports nothing: it is killed while it holds its chunk.
await (beatMs === undefined ? continued : new Promise<never>(() => {}));
clearInterval(beating);
const results = items.map(({ key, payload }) => ({ key, result: { ...resultOf(payload), from: "the late worker" } }));
const answer = await post("/api/external/results", { chunk, fence, results });
const { code } = (await answer.json()) as { code?: string };
console.log(`settled ${answer.status} ${code ?? "ok"}`);
clearInterval(alive);
