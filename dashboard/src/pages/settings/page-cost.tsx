import { useEffect, useState, type ReactElement } from "react";
import { duration } from "../../figures/duration.ts";
import { count, rate } from "../../figures/number.ts";
import { Section } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { type Cost, SHORTEST_INPUT_MS, Watch } from "./watched.ts";

/** What a page that stands open may cost: it is told of events four times a second, and this table adds a change a second. */
const BUDGET = { commitsPerSecond: 5, longTasks: 0, inputMs: 200, delayMs: 1_000 } as const;
const AGAIN_MS = 1_000;

interface Line {
  what: string;
  says: string;
  budget: string;
  now: string;
  /** Null = not known. */
  isWithin: boolean | null;
}

/** What the pages of this tab cost the browser, measured by itself and told to nobody. */
export function PageCost(): ReactElement {
  const [watch] = useState(() => new Watch());
  const [cost, setCost] = useState<Cost>(() => watch.cost(performance.now()));
  const look = (): void => setCost(watch.cost(performance.now()));
  useEffect(() => {
    watch.begin();
    const timer = setInterval(() => setCost(watch.cost(performance.now())), AGAIN_MS);
    return () => {
      clearInterval(timer);
      watch.end();
    };
  }, [watch]);
  return (
    <Section
      title="Budget of this page"
      aside={
        <button
          type="button"
          className="button"
          onClick={() => {
            watch.forget();
            look();
          }}
        >
          Measure anew
        </button>
      }
    >
      <p className="max-w-prose text-soft">
        What the pages of this tab cost the browser in the last minute, loading included. It is measured here and sent nowhere.
      </p>
      <table className="table max-w-3xl" aria-label="Budget of this page">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col" className="number">
              Now
            </th>
            <th scope="col" className="number hidden sm:table-cell">
              Budget
            </th>
            <th scope="col" className="pl-4!">
              State
            </th>
          </tr>
        </thead>
        <tbody>
          {linesOf(cost).map(({ what, says, now, budget, isWithin }) => (
            <tr key={what}>
              <th scope="row" className="text-left font-normal whitespace-normal!">
                {what}
                <span className="block text-sm text-soft">{says}</span>
              </th>
              <td className="number">{now}</td>
              <td className="number hidden sm:table-cell">{budget}</td>
              <td className="pl-4!">
                <Status
                  look={
                    isWithin === null
                      ? { word: "Not known", icon: "circle", tone: "idle" }
                      : isWithin
                        ? { word: "Within", icon: "check", tone: "good" }
                        : { word: "Over", icon: "warning", tone: "warn" }
                  }
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function linesOf({ commitsPerSecond, longTasks, longestTaskMs, inputMs, delayMs }: Cost): Line[] {
  return [
    {
      what: "Changes of the page",
      says: "How often React drew something anew, on average",
      now: `${rate(commitsPerSecond)}/s`,
      budget: `${BUDGET.commitsPerSecond}/s`,
      isWithin: commitsPerSecond <= BUDGET.commitsPerSecond,
    },
    {
      what: "Long tasks",
      says:
        longestTaskMs === 0
          ? "Work of more than 50 ms at a stretch"
          : `Work of more than 50 ms at a stretch; longest ${duration(longestTaskMs)}`,
      now: longTasks === null ? "—" : count(longTasks),
      budget: String(BUDGET.longTasks),
      isWithin: longTasks === null ? null : longTasks <= BUDGET.longTasks,
    },
    {
      what: "Input delay",
      says: "From a press until it showed, the slowest one",
      now: inputMs === null ? "—" : inputMs === 0 ? `under ${SHORTEST_INPUT_MS} ms` : duration(inputMs),
      budget: duration(BUDGET.inputMs),
      isWithin: inputMs === null ? null : inputMs <= BUDGET.inputMs,
    },
    {
      what: "Delay of events",
      says: "From the server until this page, by the server's clock",
      now: delayMs === null ? "—" : duration(delayMs),
      budget: duration(BUDGET.delayMs),
      isWithin: delayMs === null ? null : delayMs <= BUDGET.delayMs,
    },
  ];
}
