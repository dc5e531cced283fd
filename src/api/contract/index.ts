export * as access from "./access.ts";
export * as batch from "./batch.ts";
export * as events from "./events.ts";
export * as external from "./external.ts";
export * as options from "../../model/run-options.ts";
export * as results from "./results.ts";
export * as settings from "./settings.ts";
export * as stored from "./stored.ts";
