import type { z } from "zod";
import { iso } from "../../model/clock.ts";
import type { Alerts } from "../../monitor/alerts/alerts.ts";
import type { AuditStore } from "../../store/port.ts";
import type * as contract from "../contract/system.ts";

type Marker = z.output<typeof contract.markersAnswer>["markers"][number];

/** Of each kind. */
const MOST = 200;

/** Acts of the audit log and episodes of alerts, as marks on a line of time. */
export async function markersIn(
  { audit, alerts }: { audit: Pick<AuditStore, "list">; alerts: Pick<Alerts, "episodes"> },
  tenant: string,
  { from, to }: { from: number; to: number },
): Promise<Marker[]> {
  const acts = (action: string) => audit.list(tenant, { before: null, limit: MOST, filter: { action, outcome: "SUCCESS", from, to } });
  const settings = (await acts("settings_changed")).map(({ at, before, after }): Marker => mark("settings", at, changesOf(before, after)));
  const starts = (await acts("server_started")).map(({ at, target }): Marker => mark("start", at, `Server started, version ${target}`));
  const episodes = await alerts.episodes(tenant, { before: { openedAt: to, id: "" }, limit: MOST });
  const fired = episodes
    .filter(({ openedAt, resolvedAt }) => openedAt >= from || resolvedAt === null || resolvedAt >= from)
    .map(({ openedAt, resolvedAt, message }): Marker => ({
      ...mark("alert", openedAt, message),
      until: iso(resolvedAt),
    }));
  return [...settings, ...starts, ...fired].toSorted((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp));
}

function mark(kind: Marker["kind"], at: number, text: string): Marker {
  return { kind, timestamp: iso(at)!, until: null, text };
}

/** "batch.window_seconds 90 → 60" */
function changesOf(before: unknown, after: unknown): string {
  const from = (before ?? {}) as Record<string, unknown>;
  return Object.entries((after ?? {}) as Record<string, unknown>)
    .map(([path, value]) => `${path} ${written(from[path])} → ${written(value)}`)
    .join(", ");
}

function written(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
