import type { ReactElement } from "react";
import { duration } from "../../figures/duration.ts";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import { MARKER_LOOK } from "./marks.ts";
import type { Marker } from "./queries.ts";

const SHOWN = 20;

/** The marks of the charts as a list, newest first. */
export function MarkerList({ markers }: { markers: readonly Marker[] }): ReactElement {
  const newest = markers.toReversed().slice(0, SHOWN);
  return (
    <Section title="What happened in this time" aside={markers.length > SHOWN ? `the newest ${SHOWN} of ${markers.length}` : undefined}>
      {newest.length === 0 ? (
        <p className="text-soft">No setting was changed, no alert fired, the server was not started.</p>
      ) : (
        <Wide label="Changed settings, alerts and starts">
          <table className="table">
            <thead className="sr-only">
              <tr>
                <th scope="col">Kind</th>
                <th scope="col">What</th>
                <th scope="col">For</th>
                <th scope="col">When</th>
              </tr>
            </thead>
            <tbody>
              {newest.map((marker) => (
                <tr key={`${marker.kind} ${marker.timestamp} ${marker.text}`}>
                  <td className="w-32">
                    <Status look={MARKER_LOOK[marker.kind]} />
                  </td>
                  <th scope="row" className="min-w-56 text-left font-normal">
                    {marker.text}
                  </th>
                  <td className="number text-soft">{lasted(marker)}</td>
                  <td className="number">
                    <Time at={marker.timestamp} />
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

function lasted({ kind, timestamp, until }: Marker): string {
  if (kind !== "alert") return "";
  return until === null ? "open" : duration(Date.parse(until) - Date.parse(timestamp));
}
