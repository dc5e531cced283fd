import { useState, type ReactElement } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { client } from "../../data/client.ts";
import { useMay } from "../../data/session.ts";
import type { Overview } from "../../data/wire.ts";
import { messageOf } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { toast } from "../../parts/toast.ts";

const SHOWN = 10;

/** What somebody should look at, newest first. */
export function CriticalEvents({ events }: { events: Overview["critical"] }): ReactElement {
  return (
    <Section
      title="Newest critical events"
      aside={
        <Link to="/batches" search={{ status: "failed" }} className="link">
          All failed batches
        </Link>
      }
    >
      {events.length === 0 ? (
        <p className="text-soft">Nothing critical has happened.</p>
      ) : (
        <Wide label="What happened">
          <table className="table">
            <thead className="sr-only">
              <tr>
                <th scope="col">Event</th>
                <th scope="col">About</th>
                <th scope="col">What</th>
                <th scope="col">When</th>
                <th scope="col">Now</th>
              </tr>
            </thead>
            <tbody>
              {events.slice(0, SHOWN).map((event) => (
                <tr key={`${event.type} ${event.entity} ${event.timestamp}`}>
                  <td className="w-40">
                    <Status look={{ word: wordOf(event.type), icon: "cross", tone: "bad" }} />
                  </td>
                  <th scope="row" className="max-w-72 truncate text-left font-normal">
                    <About event={event} />
                  </th>
                  <td className="w-full max-w-0 min-w-48 truncate text-soft">{saidOf(event.data)}</td>
                  <td className="number">
                    <Time at={event.timestamp} />
                  </td>
                  <td className="number">
                    <AlertNow event={event} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </Section>
  );
}

/** `batch.failed` → "Batch failed" */
function wordOf(type: string): string {
  return type.charAt(0).toUpperCase() + type.slice(1).replace(".", " ");
}

function About({ event }: { event: Overview["critical"][number] }): ReactElement {
  const id = event.data["batch_id"];
  const name = event.data["name"];
  if (event.type.startsWith("alert."))
    return (
      <Link to="/alerts" className="link">
        {typeof event.data["rule"] === "string" ? event.data["rule"] : "Alerts"}
      </Link>
    );
  if (typeof id !== "string") return <code>{event.entity}</code>;
  return (
    <Link to="/batches/$id" params={{ id }} className="link">
      {typeof name === "string" ? name : id}
    </Link>
  );
}

/** How it stands with an alert; who may takes it on here. */
function AlertNow({ event }: { event: Overview["critical"][number] }): ReactElement | null {
  const cache = useQueryClient();
  const mayTake = useMay("admin");
  const [busy, setBusy] = useState(false);
  const { alert } = event;
  if (alert === null || event.type !== "alert.firing") return null;
  if (!alert.open) return <Status look={{ word: "Resolved", icon: "check", tone: "good" }} />;
  if (alert.acknowledged_by !== null)
    return (
      <span title={`Acknowledged by ${alert.acknowledged_by}`}>
        <Status look={{ word: "Acknowledged", icon: "check", tone: "idle" }} />
      </span>
    );
  if (!mayTake) return <Status look={{ word: "Open", icon: "warning", tone: "bad" }} />;
  async function take(): Promise<void> {
    setBusy(true);
    try {
      await client.request(`/api/admin/batch-monitoring/alerts/${encodeURIComponent(event.entity)}/ack`, { method: "POST", json: {} });
      toast("Acknowledged");
    } catch (error) {
      toast(messageOf(error), "bad");
    }
    await Promise.all([["overview"], ["alerts"], ["standing"]].map((queryKey) => cache.invalidateQueries({ queryKey })));
    setBusy(false);
  }
  return (
    <button type="button" className="button" disabled={busy} aria-label={`Acknowledge: ${saidOf(event.data)}`} onClick={() => void take()}>
      Acknowledge
    </button>
  );
}

function saidOf(data: Readonly<Record<string, unknown>>): string {
  const said = data["error"] ?? data["message"] ?? data["reason"];
  return typeof said === "string" ? said : "";
}
