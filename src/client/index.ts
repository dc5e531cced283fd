export { batchChange, withChange } from "./batch-change.ts";
export { createClient, type Client, type ClientOptions, type FollowQuery, type Items } from "./client.ts";
export { ClientError, type ErrorDetail } from "./client-error.ts";
export { qualified, QUALIFIERS, type BatchFilter, type Qualified } from "./qualifiers.ts";
export type { BatchEventName, BatchEvents } from "./batch-events.ts";
export type { Answer, Fetch } from "./fetch.ts";
export type { FeedEvent, FeedHandlers } from "./event-feed.ts";
export type { BatchProgress } from "./watch.ts";
export type * from "./wire.ts";
