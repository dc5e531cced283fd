import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { useAct } from "./act.ts";
import { aboutOf } from "./look.ts";
import { acts, silencesQuery } from "./queries.ts";

/** What nobody is told of, and until when. */
export function SilenceTable({ onAdd }: { onAdd: () => void }): ReactElement {
  const { data, error, refetch } = useQuery(silencesQuery);
  const act = useAct();
  const add = (
    <button type="button" className="button" onClick={onAdd}>
      New silence
    </button>
  );
  if (data === undefined)
    return error === null ? <Loading lines={4} label="Loading silences" /> : <Fault error={error} retry={() => void refetch()} />;
  if (data.length === 0)
    return (
      <Empty title="Nothing is silenced">
        <span className="flex flex-col items-start gap-3">
          A silence keeps an alert from telling anybody for a time: before planned work, or while somebody is at it.
          {add}
        </span>
      </Empty>
    );
  return (
    <Section title="Silences" aside={add} className="border-t-0! pt-0!">
      <Wide label="Silences">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Rule</th>
              <th scope="col">About</th>
              <th scope="col">Why</th>
              <th scope="col">By</th>
              <th scope="col" className="number">
                Ends
              </th>
              <th scope="col">
                <span className="sr-only">Act</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.map((silence) => (
              <tr key={silence.id}>
                <td className="w-28">
                  {Date.parse(silence.from) > Date.now() ? (
                    <Status look={{ word: "Planned", icon: "clock", tone: "idle" }} />
                  ) : (
                    <Status look={{ word: "Silent", icon: "slash", tone: "warn" }} />
                  )}
                </td>
                <th scope="row" className="text-left">
                  {silence.rule ?? "every rule"}
                </th>
                <td>{aboutOf(silence.instance ?? "").name}</td>
                <td className="max-w-80 truncate text-soft" title={silence.comment ?? ""}>
                  {silence.comment ?? "—"}
                </td>
                <td className="text-soft">{silence.by}</td>
                <td className="number">
                  <Time at={silence.until} />
                </td>
                <td className="text-right">
                  <button
                    type="button"
                    className="button"
                    aria-label={`End now the silence of ${silence.rule ?? "every rule"}, ${aboutOf(silence.instance ?? "").name}`}
                    onClick={() => void act("The silence has ended", () => acts.endSilence(silence.id))}
                  >
                    End now
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </Section>
  );
}
