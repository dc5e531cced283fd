import type { BatchFilter, Client } from "../client/index.ts";
import type { Palette } from "./palette.ts";
import type { Snapshot } from "./snapshot.ts";

/** How a run of the dashboard was asked for. */
export interface RunOptions {
  readonly client: Client;
  /** The server's address, for pages to open. */
  readonly url: string;
  readonly palette: Palette;
  /** How old figures may become, in milliseconds. */
  readonly refreshMs: number;
  /** As typed after `/`, and what it means to the API. */
  readonly filterText: string;
  readonly filter: BatchFilter;
  readonly readOnly: boolean;
  /** Command that opens a page; null: the one of this system. */
  readonly browser: string | null;
}

/** Latency by stage is of the last hour unless asked otherwise. */
export const WINDOW_MINUTES = 60;

/** Whether something critical is the case: the server calls itself so, or such an alert is open that nobody silenced. */
export function isCritical({ overview, alerts }: Snapshot): boolean {
  const alerting =
    alerts?.alerts.some(({ severity, silenced, state }) => severity === "critical" && !silenced && state === "firing") === true;
  return overview.health.status === "critical" || alerting;
}
