import { cache } from "../data/cache.ts";
import { client } from "../data/client.ts";
import { LiveFeed } from "./feed.ts";
import { Patcher } from "./patch.ts";

/** The event stream of this page, and the cache it keeps fresh. */
export const live = new LiveFeed(client);

export function startLive(): void {
  const patcher = new Patcher(cache);
  live.listen((events) => patcher.apply(events));
  live.onReset(() => patcher.reset());
  live.start();
}
