import type { ReactElement } from "react";
import { Link, useNavigate } from "@tanstack/react-router";
import type { Stream } from "batchyard/client";
import { useMay } from "../../data/session.ts";
import { definitionOf } from "../../data/streams.ts";
import type { Overview } from "../../data/wire.ts";
import { duration } from "../../figures/duration.ts";
import { count, percent, rate } from "../../figures/number.ts";
import { AgingBar } from "../../streams/aging-bar.tsx";
import { BottleneckMark } from "../../streams/bottleneck-mark.tsx";
import { ClosureBar } from "../../parts/closure-bar.tsx";
import { Fault } from "../../parts/notice.tsx";
import { PauseStream, StreamState } from "../../streams/stream-state.tsx";
import { Trend } from "../../parts/trend.tsx";
import { NumberHeads, Wide } from "../../parts/section.tsx";
import { useRowKeys } from "../../shell/row-keys.ts";

interface StreamListProps {
  streams: readonly Stream[];
  /** Rates and times; absent until they are loaded. */
  told: Overview | undefined;
  /** When they were, by the clock of this machine. */
  toldAt: number;
  fault?: Error;
}

const NUMBERS = ["Items/min", "Open windows", "Items in them"] as const;

export function StreamList({ streams, told, toldAt, fault }: StreamListProps): ReactElement {
  const navigate = useNavigate();
  const mayPause = useMay("operator");
  const active = useRowKeys(
    streams.length,
    "stream",
    (row) => streams[row]?.name,
    (row) => void navigate({ to: "/streams/$name", params: { name: streams[row]!.name } }),
  );
  return (
    <div className="flex flex-col gap-3">
      {fault === undefined ? null : <Fault error={fault} />}
      <Wide label="Streams">
        <table className="table" aria-label="Streams">
          <thead>
            <tr>
              <th scope="col">Stream</th>
              <th scope="col">State</th>
              {NUMBERS.map((name) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
              <th scope="col" className="min-w-36 pl-4!">
                Oldest window
              </th>
              <NumberHeads names={["Queue", "Wait p95", "Failed"]} />
              <th scope="col" className="min-w-28 pl-4!">
                Closed by
              </th>
              <th scope="col">Bottleneck</th>
              {mayPause ? (
                <th scope="col">
                  <span className="sr-only">Actions</span>
                </th>
              ) : null}
            </tr>
          </thead>
          <tbody>
            {streams.map((stream, i) => (
              <StreamRow key={stream.name} stream={stream} told={told} toldAt={toldAt} isActive={i === active} mayPause={mayPause} />
            ))}
          </tbody>
        </table>
      </Wide>
      <p className="text-sm text-soft">Rates, times and reasons are of the last 15 minutes.</p>
    </div>
  );
}

interface StreamRowProps extends Pick<StreamListProps, "told" | "toldAt"> {
  stream: Stream;
  isActive: boolean;
  mayPause: boolean;
}

function StreamRow({ stream, told, toldAt, isActive, mayPause }: StreamRowProps): ReactElement {
  const figures = told?.streams.find((each) => each.name === stream.name);
  const queue = told?.queues.find((each) => each.name === figures?.operation);
  const { operation, windowSeconds } = definitionOf(stream);
  return (
    <tr className={isActive ? "outline-2 -outline-offset-2 outline-accent" : ""}>
      <th scope="row" className="text-left">
        <Link to="/streams/$name" params={{ name: stream.name }} className="link">
          {stream.name}
        </Link>
        <span className="block text-xs font-normal text-soft">{operation}</span>
      </th>
      <td>
        <StreamState stream={stream} />
      </td>
      <td className="number">{figures === undefined ? "—" : rate(figures.items_per_minute)}</td>
      <td className="number">{count(stream.open_windows)}</td>
      <td className="number">{count(stream.open_items)}</td>
      <td className="pl-4!">
        {figures === undefined || figures.oldest_seconds === null ? (
          <span className="text-soft">—</span>
        ) : (
          <AgingBar
            label={`Age of the oldest window of ${stream.name}`}
            seconds={figures.oldest_seconds}
            at={toldAt}
            limitSeconds={windowSeconds ?? null}
          />
        )}
      </td>
      <td className="number">
        {figures === undefined ? (
          "—"
        ) : (
          <>
            {queue === undefined ? null : <Trend change={queue.growth.m5} over="in 5 minutes" />} {count(figures.depth)}
          </>
        )}
      </td>
      <td className="number">
        {figures === undefined || figures.wait_p95_seconds === null ? "—" : duration(figures.wait_p95_seconds * 1000)}
      </td>
      <td className={`number ${(figures?.failure_percent ?? 0) > 0 ? "text-bad" : ""}`}>
        {figures === undefined || figures.failure_percent === null ? "—" : percent(figures.failure_percent / 100)}
      </td>
      <td className="pl-4!">{figures === undefined ? "—" : <ClosureBar closures={figures.closures} />}</td>
      <td>
        <BottleneckMark bottleneck={figures?.bottleneck ?? null} />
      </td>
      {mayPause ? (
        <td className="number">
          <PauseStream stream={stream} />
        </td>
      ) : null}
    </tr>
  );
}
