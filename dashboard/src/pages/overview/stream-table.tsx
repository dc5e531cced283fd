import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import { useMay } from "../../data/session.ts";
import type { Overview } from "../../data/wire.ts";
import { duration } from "../../figures/duration.ts";
import { count, percent, rate } from "../../figures/number.ts";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Trend } from "../../parts/trend.tsx";
import { BottleneckMark } from "../../streams/bottleneck-mark.tsx";
import { PauseStream } from "../../streams/stream-state.tsx";
import { ClosureBar } from "../../parts/closure-bar.tsx";

const COLUMNS = ["Items/min", "Open windows", "Items in them", "Oldest", "Waiting", "Wait p95", "Failed"] as const;

/** The sources that make batches by themselves. */
export function StreamTable({ streams, queues }: Pick<Overview, "streams" | "queues">): ReactElement {
  const seconds = (value: number | null): string => (value === null ? "—" : duration(value * 1000));
  const mayPause = useMay("operator");
  return (
    <Section title="Streams">
      <Wide label="Streams and their windows">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Stream</th>
              <th scope="col">Operation</th>
              {COLUMNS.map((name) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
              <th scope="col" className="min-w-36 pl-6!">
                Closed by
              </th>
              <th scope="col">Bottleneck</th>
              {mayPause ? (
                <th scope="col">
                  <span className="sr-only">Pause or resume</span>
                </th>
              ) : null}
            </tr>
          </thead>
          <tbody>
            {streams.map((stream) => (
              <tr key={stream.name} title={stream.bottleneck?.sentence}>
                <th scope="row" className="text-left">
                  <Link to="/streams/$name" params={{ name: stream.name }} className="link">
                    {stream.name}
                  </Link>
                </th>
                <td>
                  {stream.operation}
                  {stream.paused ? (
                    <span className="ml-3">
                      <Status look={{ word: "Paused", icon: "pause", tone: "warn" }} />
                    </span>
                  ) : null}
                </td>
                <td className="number">{rate(stream.items_per_minute)}</td>
                <td className="number">{count(stream.open_windows)}</td>
                <td className="number">{count(stream.open_items)}</td>
                <td className="number">{seconds(stream.oldest_seconds)}</td>
                <td className="number" title={`Batches of ${stream.operation} that wait`}>
                  <Trend
                    change={stream.depth === 0 ? 0 : (queues.find(({ name }) => name === stream.operation)?.growth.m5 ?? 0)}
                    over="in 5 minutes"
                  />{" "}
                  {count(stream.depth)}
                </td>
                <td className="number">{seconds(stream.wait_p95_seconds)}</td>
                <td className="number">{stream.failure_percent === null ? "—" : percent(stream.failure_percent / 100)}</td>
                <td className="pl-6!">
                  <ClosureBar closures={stream.closures} />
                </td>
                <td>
                  <BottleneckMark bottleneck={stream.bottleneck} />
                </td>
                {mayPause ? (
                  <td className="number pl-4!">
                    <PauseStream stream={stream} />
                  </td>
                ) : null}
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </Section>
  );
}
