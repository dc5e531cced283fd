/**
 * A peer in its own process, led over a second port, which stays open while the first is down.
 *
 *   node child.ts SETTINGS-JSON [ANSWERS]
 *
 * ANSWERS is a module whose default export answers.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import type { Answerer } from "./answers.ts";
import { type Peer, type PeerSettings, startPeer } from "./peer.ts";

const [settings = "{}", answers] = process.argv.slice(2);
const answer = answers === undefined ? {} : { answer: ((await import(pathToFileURL(answers).href)) as { default: Answerer }).default };
const peer = await startPeer({ ...(JSON.parse(settings) as PeerSettings), ...answer });

const lead = createServer((request, response) => {
  void text(request)
    .then(async (body) => {
      const method = peer[request.url!.slice(1) as Exclude<keyof Peer, "baseURL">] as (...given: unknown[]) => Promise<unknown>;
      // JSON has no Infinity.
      const given = (JSON.parse(body) as unknown[]).map((each) => each ?? Number.POSITIVE_INFINITY);
      response.end(JSON.stringify((await method(...given)) ?? null));
    })
    .catch((error: unknown) => response.writeHead(500).end(String(error)));
});
lead.listen(0, "127.0.0.1");
await once(lead, "listening");
process.stdout.write(`ready ${peer.baseURL} ${(lead.address() as AddressInfo).port}\n`);
