import type { ReactElement } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMay } from "../../data/session.ts";
import { count } from "../../figures/number.ts";
import { Awaited, messageOf } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { toast } from "../../parts/toast.ts";
import type { Look } from "../../parts/states.ts";
import { type Breaker, breakersQuery, resetBreaker } from "./queries.ts";

const LOOKS: Readonly<Record<Breaker["state"], Look>> = {
  closed: { word: "Closed, works", icon: "check", tone: "good" },
  open: { word: "Open, puts off", icon: "cross", tone: "bad" },
  half_open: { word: "Half open, tries one", icon: "half", tone: "warn" },
};

/** Operations that have failed lately in what they talk to; an open one puts its chunks off instead of failing them. */
export function Breakers(): ReactElement {
  const { data, error, refetch } = useQuery(breakersQuery);
  const mayReset = useMay("admin");
  return (
    <Section title="Circuit breakers" aside="an open one puts chunks off, and tries again by itself">
      {data === undefined ? (
        <Awaited error={error} lines={2} label="Loading breakers" retry={() => void refetch()} />
      ) : data.length === 0 ? (
        <p className="text-soft">No breaker has counted a failure: what the operations talk to answers.</p>
      ) : (
        <Wide label="Circuit breakers">
          <table className="table" aria-label="Circuit breakers">
            <thead>
              <tr>
                <th scope="col">Of</th>
                <th scope="col">State</th>
                <th scope="col" className="number">
                  Failures in a row
                </th>
                <th scope="col" className="pl-6!">
                  Last error
                </th>
                <th scope="col" className="number">
                  Opened
                </th>
                <th scope="col" className="number">
                  Tries again
                </th>
                {mayReset ? (
                  <th scope="col">
                    <span className="sr-only">Actions</span>
                  </th>
                ) : null}
              </tr>
            </thead>
            <tbody>
              {data.map((breaker) => (
                <tr key={breaker.name}>
                  <th scope="row" className="text-left">
                    {breaker.name}
                  </th>
                  <td>
                    <Status look={LOOKS[breaker.state]} />
                  </td>
                  <td className="number">{count(breaker.consecutive_failures)}</td>
                  <td className="w-full max-w-0 min-w-40 truncate pl-6! text-soft" title={breaker.last_error ?? undefined}>
                    {breaker.last_error ?? "—"}
                  </td>
                  <td className="number">
                    <Time at={breaker.opened_at} />
                  </td>
                  <td className="number">
                    <Time at={breaker.retry_at} />
                  </td>
                  {mayReset ? (
                    <td className="number">
                      <Reset name={breaker.name} />
                    </td>
                  ) : null}
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </Section>
  );
}

/** It only tries again at once what would be tried again soon: nothing to be asked. */
function Reset({ name }: { name: string }): ReactElement {
  const cache = useQueryClient();
  async function act(): Promise<void> {
    try {
      await resetBreaker(name);
      toast(`The breaker of ${name} is closed: its chunks go on`);
    } catch (error) {
      toast(messageOf(error), "bad");
    }
    await Promise.all([["breakers"], ["overview"]].map((queryKey) => cache.invalidateQueries({ queryKey })));
  }
  return (
    <button type="button" className="button" aria-label={`Reset ${name}`} onClick={() => void act()}>
      Reset
    </button>
  );
}
