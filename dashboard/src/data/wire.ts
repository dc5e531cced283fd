import type { access, alerts, batch, monitoring, results, system } from "batchyard/contract";
import type { z } from "zod";

/** Types of routes that the client has no method of its own for, out of the contract. */
export type Chunk = z.output<typeof results.chunksAnswer>["chunks"][number];
/** What is said of one batch beside itself. */
export type BatchAbout = Pick<z.output<typeof batch.oneBatchAnswer>, "trace_url" | "window">;
export type Item = Omit<z.output<typeof results.itemAnswer>, "success">;
export type Operations = Omit<z.output<typeof batch.operationsAnswer>, "success">;
export type Standing = z.output<typeof alerts.standingAnswer>["alerts"];
export type Overview = Omit<z.output<typeof system.overviewAnswer>, "success">;
export type Session = Omit<z.output<typeof access.meAnswer>, "success">;
export type Monitoring = z.output<typeof monitoring.monitoringAnswer>["data"];
