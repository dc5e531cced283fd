import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import type { Stream } from "batchyard/client";
import { count } from "../../figures/number.ts";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import type { Look } from "../../theme/states.ts";

/** The sources that make batches by themselves. */
export function StreamTable({ streams }: { streams: readonly Stream[] }): ReactElement {
  return (
    <Section title="Streams">
      <Wide label="Streams">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Stream</th>
              <th scope="col">State</th>
              <th scope="col">Operation</th>
              <th scope="col" className="number">
                Open windows
              </th>
              <th scope="col" className="number">
                Items in them
              </th>
              <th scope="col" className="number">
                Closes after
              </th>
            </tr>
          </thead>
          <tbody>
            {streams.map((stream) => (
              <tr key={stream.name}>
                <th scope="row" className="text-left">
                  <Link to="/batches" search={{ q: `stream:${stream.name}` }} className="link">
                    {stream.name}
                  </Link>
                </th>
                <td title={stream.fault ?? undefined}>
                  <Status look={lookOf(stream)} />
                </td>
                <td>{written(stream.definition["operation"])}</td>
                <td className="number">{count(stream.open_windows)}</td>
                <td className="number">{count(stream.open_items)}</td>
                <td className="number">{written(stream.definition["windowSeconds"])} s</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </Section>
  );
}

/** A field of a definition, whose type is the operation's business. */
function written(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "—";
}

function lookOf(stream: Stream): Look {
  if (stream.fault !== null) return { word: "Broken", icon: "cross", tone: "bad" };
  if (stream.paused) return { word: "Paused", icon: "pause", tone: "warn" };
  return stream.open_windows > 0 ? { word: "Collecting", icon: "half", tone: "busy" } : { word: "Idle", icon: "circle", tone: "idle" };
}
