import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { count, percent } from "../../figures/number.ts";
import { Meter } from "../../parts/meter.tsx";
import { Fault, Loading } from "../../parts/notice.tsx";
import { NumberHeads, Section, Wide } from "../../parts/section.tsx";
import { resourcesQuery, type Resources } from "./queries.ts";

/** From here on work is likely to wait for room. */
const NEAR = 0.8;

/** What providers let this server do, and how much of it is in use. */
export function Quotas(): ReactElement | null {
  const { data, error, refetch } = useQuery(resourcesQuery);
  if (data === undefined)
    return (
      <Section title="Limits of providers">
        {error === null ? <Loading label="Loading limits" /> : <Fault error={error} retry={() => void refetch()} />}
      </Section>
    );
  // The limits are the server's: other tenants are not told.
  if (data.providers === null) return null;
  const rows = rowsOf(data.providers);
  return (
    <Section title="Limits of providers" aside="in use now">
      {rows.length === 0 ? (
        <p className="max-w-prose text-soft">
          No request was sent to a provider lately, and none of its batches is under way. Limits are those of the <code>providers</code> in
          batchyard.config, and those that a provider has told.
        </p>
      ) : (
        <Wide label="Limits of providers">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Provider</th>
                <th scope="col">What</th>
                <NumberHeads names={["In use", "Limit", "Used"]} />
                <th scope="col" className="min-w-32 pl-6!">
                  Of the limit
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ provider, what, used, limit }) => {
                const share = limit === null || limit === 0 ? null : used / limit;
                const isNear = share !== null && share >= NEAR;
                return (
                  <tr key={`${provider} ${what}`}>
                    <th scope="row" className="text-left">
                      {provider}
                    </th>
                    <td>{what}</td>
                    <td className="number">{count(used)}</td>
                    <td className="number">{limit === null ? "not known" : count(limit)}</td>
                    <td className={`number ${isNear ? "font-medium text-warn" : ""}`}>{share === null ? "—" : percent(share)}</td>
                    <td className="pl-6!">
                      {limit === null ? (
                        "—"
                      ) : (
                        <Meter
                          label={`${provider}, ${what}`}
                          shares={[{ label: "in use", value: used, tone: isNear ? "warn" : "busy" }]}
                          total={Math.max(limit, used)}
                        />
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Wide>
      )}
    </Section>
  );
}

interface Row {
  provider: string;
  what: string;
  used: number;
  limit: number | null;
}

function rowsOf({ enqueued_tokens, rates, requests }: NonNullable<Resources["providers"]>): Row[] {
  return [
    ...enqueued_tokens.map(({ provider, model, tokens, limit }) => ({
      provider,
      what: `Enqueued tokens of ${model}`,
      used: tokens,
      limit,
    })),
    ...rates.map(({ provider, unit, used, limit }) => ({
      provider,
      what: unit === "requests" ? "Requests in the last minute" : "Tokens in the last minute",
      used,
      limit,
    })),
    ...requests.map(({ provider, model, under_way, limit }) => ({
      provider,
      what: `Requests to ${model} under way`,
      used: under_way,
      limit,
    })),
  ];
}
