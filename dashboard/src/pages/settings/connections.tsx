import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Awaited } from "../../parts/notice.tsx";
import { Section } from "../../parts/section.tsx";
import { Snippets } from "../../parts/copy.tsx";
import { Status } from "../../parts/status.tsx";
import { connectionsQuery } from "./queries.ts";

const WHAT: Readonly<Record<string, { name: string; variable: string; says: string }>> = {
  token: { name: "Admin token", variable: "BATCHYARD_TOKEN", says: "Signs in as admin of this server beside the API keys." },
  database_url: { name: "PostgreSQL", variable: "DATABASE_URL", says: "Not read yet: everything is kept in the data directory." },
  redis_url: { name: "Redis", variable: "REDIS_URL", says: "Not read yet: this process does its own dispatch." },
  openai_api_key: { name: "OpenAI key", variable: "OPENAI_API_KEY", says: "For the provider openai where the config names none." },
  otlp_endpoint: {
    name: "OpenTelemetry",
    variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
    says: "Where traces of requests, batches and attempts are sent (OTLP).",
  },
};

/** What is set from outside only, as set or not; and where monitoring takes the figures. */
export function Connections(): ReactElement {
  const { data, error, refetch } = useQuery(connectionsQuery);
  const scrape = `scrape_configs:
  - job_name: batchyard
    authorization: { credentials: "<an API key of the role viewer>" }
    static_configs: [{ targets: ["${window.location.host}"] }]`;
  return (
    <div className="flex flex-col gap-10">
      <Section title="Connections" aside="Set in the environment, never shown" className="border-t-0 pt-0!">
        {data === undefined ? (
          <Awaited error={error} lines={4} label="Loading connections" retry={() => void refetch()} />
        ) : (
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Connection</th>
                <th scope="col">State</th>
                <th scope="col" className="hidden md:table-cell">
                  Variable
                </th>
                <th scope="col" className="hidden lg:table-cell">
                  What for
                </th>
              </tr>
            </thead>
            <tbody>
              {Object.entries(data).map(([key, value]) => (
                <tr key={key}>
                  <th scope="row" className="text-left font-medium">
                    {WHAT[key]?.name ?? key}
                  </th>
                  <td>
                    <Status
                      look={
                        value === null ? { word: "Not set", icon: "circle", tone: "idle" } : { word: "Set", icon: "check", tone: "good" }
                      }
                    />
                  </td>
                  <td className="hidden font-mono text-xs md:table-cell">{WHAT[key]?.variable ?? ""}</td>
                  <td className="hidden text-soft lg:table-cell">{WHAT[key]?.says ?? ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Section>
      <Section
        title="Prometheus"
        aside={
          <a href="/metrics" className="link">
            /metrics
          </a>
        }
      >
        <p className="max-w-prose text-soft">
          Every figure of this server is at <code>/metrics</code>, for keys of any role. Rules and a board for Grafana are in{" "}
          <code>docs/operate</code>.
        </p>
        <Snippets label="Scrape config" snippets={[{ name: "prometheus.yml", text: scrape }]} />
      </Section>
      <Section title="Redaction">
        <p className="max-w-prose text-soft">
          The log leaves out what is secret: by the name of its field, by its looks, and whatever secret this server was given. A shared
          link shows no payload, no options and no metadata. Lists of batches load no payload; each is loaded when it is opened.
        </p>
      </Section>
    </div>
  );
}
