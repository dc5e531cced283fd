/**
 * An outside worker: leases one chunk, says so, and reports its results when it is continued after a stop. Says what the
 * server answered. With BEAT_MS it renews its lease that often, and says when it had the answer; SIGUSR2 ends that, and it
 * says so once no heartbeat is under way.
 *
 *   node outside-worker.ts URL LEASE_MS [BEAT_MS]
 */
import { resultOf, type Numbered } from "../fates.ts";

const [url, leaseMs, beatMs] = process.argv.slice(2);
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
  const answer = await post("/api/external/heartbeat", { leases: [{ chunk, fence }], leaseMs: Number(leaseMs) });
  const { held } = (await answer.json()) as { held: number[] };
  console.log(`beat ${sentAt} ${Date.now()} held ${held.length}`);
};
let beaten = Promise.resolve();
const beating = beatMs === undefined ? undefined : setInterval(() => (beaten = beaten.then(beat)), Number(beatMs));
process.once("SIGUSR2", () => {
  clearInterval(beating);
  void beaten.then(() => console.log("silent"));
});
await continued;
clearInterval(beating);
const results = items.map(({ key, payload }) => ({ key, result: { ...resultOf(payload), from: "the late worker" } }));
const answer = await post("/api/external/results", { chunk, fence, results });
const { code } = (await answer.json()) as { code?: string };
console.log(`settled ${answer.status} ${code ?? "ok"}`);
clearInterval(alive);
