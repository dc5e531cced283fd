import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import type { Overview } from "../../data/wire.ts";
import { duration } from "../../figures/duration.ts";
import { count, rate } from "../../figures/number.ts";
import { NumberHeads, Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Trend } from "../../parts/trend.tsx";
import { HEALTH_LOOK } from "../../parts/states.ts";

type Queue = Overview["queues"][number];

/** What waits and runs, by operation. */
export function QueueTable({ queues }: { queues: readonly Queue[] }): ReactElement {
  return (
    <Section title="Queues" aside="rates and times of the last 15 minutes">
      {queues.length === 0 ? (
        <p className="text-soft">No operation has batches that wait or run.</p>
      ) : (
        <Wide label="Queues by operation">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Operation</th>
                <th scope="col">Health</th>
                <NumberHeads names={["Waiting", "Running", "Items/min", "Wait p95", "Drained in"]} />
              </tr>
            </thead>
            <tbody>
              {queues.map((queue) => (
                <tr key={queue.name} title={queue.bottleneck?.sentence ?? queue.health.reasons[0]?.message}>
                  <th scope="row" className="text-left">
                    <Link to="/batches" search={{ q: `op:${queue.name}` }} className="link">
                      {queue.name}
                    </Link>
                  </th>
                  <td>
                    <Status look={HEALTH_LOOK[queue.health.status]} />
                  </td>
                  <td className="number">
                    <Trend change={queue.depth === 0 ? 0 : queue.growth.m5} over="in 5 minutes" /> {count(queue.depth)}
                  </td>
                  <td className="number">{count(queue.running)}</td>
                  <td className="number">{rate(queue.items_per_minute)}</td>
                  <td className="number">{queue.wait_p95_seconds === null ? "—" : duration(queue.wait_p95_seconds * 1000)}</td>
                  <td className="number">
                    {queue.drain_seconds === null
                      ? queue.depth === 0
                        ? "—"
                        : "not at this rate"
                      : queue.drain_seconds === 0
                        ? "—"
                        : duration(queue.drain_seconds * 1000)}
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
