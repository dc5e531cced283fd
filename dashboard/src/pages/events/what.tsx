import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { count, plural } from "../../figures/number.ts";
import type { EventEntry } from "./entries.ts";

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** What the event is about, as a link there. */
export function About({ data }: { data: EventEntry["data"] }): ReactElement | null {
  const batch = text(data["batch_id"]);
  const stream = text(data["stream"]);
  const worker = text(data["worker"]);
  const look = "link font-mono text-xs";
  if (batch !== null)
    return (
      <Link to="/batches/$id" params={{ id: batch }} className={look}>
        {text(data["name"]) ?? batch}
      </Link>
    );
  if (stream !== null)
    return (
      <Link to="/streams/$name" params={{ name: stream }} className={look}>
        {stream}
      </Link>
    );
  if (worker !== null)
    return (
      <Link to="/workers" className={look}>
        {worker}
      </Link>
    );
  if (text(data["alert"]) !== null)
    return (
      <Link to="/alerts" className={look}>
        {text(data["rule"]) ?? "Alerts"}
      </Link>
    );
  if (Array.isArray(data["changes"]))
    return (
      <Link to="/settings" className={look}>
        Settings
      </Link>
    );
  if (text(data["action"]) !== null)
    return (
      <Link to="/audit" className={look}>
        Audit
      </Link>
    );
  return null;
}

const SHOWN_ABOVE = new Set(["batch_id", "stream", "worker", "alert", "rule", "epoch", "status"]);

/** The event in one line. */
export function summaryOf({ type, data }: Pick<EventEntry, "type" | "data">): string {
  const said = text(data["error"]) ?? text(data["message"]);
  if (said !== null) return said;
  const noun = type.slice(0, type.indexOf("."));
  const { processed, total, failed } = data;
  if (noun === "batch" && typeof total === "number") {
    return [
      text(data["operation"]) ?? "",
      `${count(Number(processed ?? 0))} of ${plural(total, "item")}`,
      ...(typeof failed === "number" && failed > 0 ? [`${count(failed)} failed`] : []),
    ].join(" · ");
  }
  if (type === "settings.changed" && Array.isArray(data["changes"]))
    return (data["changes"] as { path: string; from: unknown; to: unknown }[])
      .map(({ path, from, to }) => `${path} ${JSON.stringify(from)} → ${JSON.stringify(to)}`)
      .join(", ");
  return Object.entries(data)
    .filter(([name, value]) => !SHOWN_ABOVE.has(name) && value !== null)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" · ")
    .slice(0, 300);
}
