import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { duration } from "../../figures/duration.ts";
import { count, rate } from "../../figures/number.ts";
import { Awaited } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { keysQuery, RANGE_HOURS } from "./queries.ts";
import type { Range } from "./search.ts";

/** What each key brought, most items first; the server counts by whole hours and lists a hundred. */
export function Keys({ name, range }: { name: string; range: Range }): ReactElement {
  const { data, error, refetch } = useQuery(keysQuery(name, range));
  const seconds = (value: number | null): string => (value === null ? "—" : duration(value * 1000));
  const total = data?.reduce((sum, key) => sum + key.items, 0) ?? 0;
  const hours = RANGE_HOURS[range];
  return (
    <Section title="Keys" aside={hours === 1 ? "this hour" : `the last ${hours} hours, most items first`}>
      {data === undefined ? (
        <Awaited error={error} lines={4} label="Loading keys" retry={() => void refetch()} />
      ) : data.length === 0 ? (
        <p className="text-soft">No item came in this time.</p>
      ) : (
        <Wide label="Keys">
          <table className="table" aria-label="Keys">
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col" className="number">
                  Items
                </th>
                <th scope="col" className="min-w-24 pl-4!">
                  Share
                </th>
                <th scope="col" className="number">
                  Items/min
                </th>
                <th scope="col" className="number">
                  Windows
                </th>
                <th scope="col" className="number">
                  Items a window
                </th>
                <th scope="col" className="number">
                  Mean age
                </th>
                <th scope="col" className="number">
                  Age p95
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map((key) => (
                <tr key={key.key ?? ""}>
                  <th scope="row" className="max-w-64 truncate text-left font-medium">
                    {key.key === null ? (
                      <span className="font-normal text-soft">all others</span>
                    ) : key.key === "" ? (
                      "all items"
                    ) : (
                      <Link to="/streams/$name" params={{ name }} search={{ key: key.key }} className="link" title="Its open window">
                        {key.key}
                      </Link>
                    )}
                  </th>
                  <td className="number">{count(key.items)}</td>
                  <td className="pl-4!">
                    <span className="bar">
                      <span className="block h-full bg-accent" style={{ width: `${(100 * key.items) / Math.max(1, total)}%` }} />
                    </span>
                  </td>
                  <td className="number">{rate(key.items_per_minute)}</td>
                  <td className="number">{count(key.windows)}</td>
                  <td className="number">{key.windows === 0 ? "—" : rate(key.window_items / key.windows)}</td>
                  <td className="number">{seconds(key.age_mean_seconds)}</td>
                  <td className="number">{seconds(key.age_p95_seconds)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </Section>
  );
}
