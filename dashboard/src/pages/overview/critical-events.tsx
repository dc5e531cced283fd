import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import type { Overview } from "../../data/wire.ts";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";

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
  if (typeof id !== "string") return <code>{event.entity}</code>;
  return (
    <Link to="/batches/$id" params={{ id }} className="link">
      {typeof name === "string" ? name : id}
    </Link>
  );
}

function saidOf(data: Readonly<Record<string, unknown>>): string {
  const said = data["error"] ?? data["message"] ?? data["reason"];
  return typeof said === "string" ? said : "";
}
