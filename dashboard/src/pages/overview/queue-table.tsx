import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import type { Queues } from "../../data/wire.ts";
import { duration } from "../../figures/duration.ts";
import { count, rate } from "../../figures/number.ts";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { HEALTH_LOOK } from "../../theme/states.ts";

/** What waits and runs, by operation. */
export function QueueTable({ queues }: { queues: Queues }): ReactElement {
  return (
    <Section title="Queues">
      {queues.queues.length === 0 ? (
        <p className="text-soft">No operation has batches that wait or run.</p>
      ) : (
        <Wide label="Queues">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Operation</th>
                <th scope="col">Health</th>
                <th scope="col" className="number">
                  Waiting
                </th>
                <th scope="col" className="number">
                  Running
                </th>
                <th scope="col" className="number">
                  A minute
                </th>
                <th scope="col" className="number">
                  Oldest
                </th>
              </tr>
            </thead>
            <tbody>
              {queues.queues.map((queue) => (
                <tr key={queue.name}>
                  <th scope="row" className="text-left">
                    <Link to="/batches" search={{ q: `op:${queue.name}` }} className="link">
                      {queue.name}
                    </Link>
                  </th>
                  <td>
                    <Status look={HEALTH_LOOK[queue.status]} />
                  </td>
                  <td className="number">{count(queue.depth)}</td>
                  <td className="number">{count(queue.running)}</td>
                  <td className="number">{rate(queue.throughput.jobs_per_minute)}</td>
                  <td className="number">{queue.oldest_job === null ? "—" : duration(queue.oldest_job.wait_seconds * 1000)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </Section>
  );
}
