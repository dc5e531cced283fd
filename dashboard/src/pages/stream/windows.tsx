import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { OpenWindow, Stream } from "batchyard/client";
import { useMay } from "../../data/session.ts";
import { type Definition, definitionOf } from "../../data/streams.ts";
import { fullTime } from "../../figures/time.ts";
import { count } from "../../figures/number.ts";
import { Meter } from "../../parts/meter.tsx";
import { Awaited } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Snippets } from "../../parts/copy.tsx";
import { Status } from "../../parts/status.tsx";
import { AgingBar } from "../../streams/aging-bar.tsx";
import { Countdown } from "./countdown.tsx";
import { useFlush } from "./flush.tsx";
import { windowsQuery } from "./queries.ts";

/** What is open now, those open longest first; the bars go on by themselves. */
export function Windows({ stream }: { stream: Stream }): ReactElement {
  const { key } = useSearch({ from: "/streams/$name" });
  const navigate = useNavigate();
  const mayFlush = useMay("operator");
  const { data, dataUpdatedAt, error, refetch } = useQuery(windowsQuery(stream.name, key));
  const rules = definitionOf(stream);
  return (
    <Section
      title="Open windows"
      aside={
        data === undefined || data.windows.length === data.total
          ? undefined
          : `the ${count(data.windows.length)} oldest of ${count(data.total)}`
      }
    >
      {stream.open_windows > 10 || key !== undefined ? (
        <form
          className="flex flex-wrap gap-2"
          role="search"
          onSubmit={(event) => {
            event.preventDefault();
            const typed = new FormData(event.currentTarget).get("key");
            const wanted = typeof typed === "string" ? typed.trim() : "";
            void navigate({ to: "/streams/$name", params: { name: stream.name }, search: wanted === "" ? {} : { key: wanted } });
          }}
        >
          <input
            key={key ?? ""}
            name="key"
            type="search"
            className="field max-w-72"
            aria-label="Key of a window"
            placeholder="Key of a window"
            defaultValue={key}
          />
          {key === undefined ? null : (
            <button type="button" className="button" onClick={() => void navigate({ to: "/streams/$name", params: { name: stream.name } })}>
              Show all keys
            </button>
          )}
        </form>
      ) : null}
      {data === undefined ? (
        <Awaited error={error} lines={4} label="Loading windows" retry={() => void refetch()} />
      ) : data.windows.length === 0 ? (
        key === undefined ? (
          <NoWindows stream={stream} />
        ) : (
          <p className="text-soft">
            No window of the key <code>{key}</code> is open.
          </p>
        )
      ) : (
        <>
          {stream.paused ? (
            <p className="text-sm text-warn">The stream is paused: windows keep filling and close by size only, so none is due by time.</p>
          ) : null}
          <Wide label="Open windows">
            <table className="table" aria-label="Open windows">
              <thead>
                <tr>
                  <th scope="col">Key</th>
                  <th scope="col" className="min-w-36">
                    Items
                  </th>
                  <th scope="col" className="min-w-36 pl-4!">
                    Age
                  </th>
                  <th scope="col" className="min-w-36 pl-4!">
                    Idle
                  </th>
                  <th scope="col" className="number">
                    Due
                  </th>
                  {mayFlush ? (
                    <th scope="col">
                      <span className="sr-only">Actions</span>
                    </th>
                  ) : null}
                </tr>
              </thead>
              <tbody>
                {data.windows.map((window) => (
                  <WindowRow
                    key={window.batch_id}
                    name={stream.name}
                    window={window}
                    at={dataUpdatedAt}
                    rules={rules}
                    mayFlush={mayFlush}
                  />
                ))}
              </tbody>
            </table>
          </Wide>
        </>
      )}
    </Section>
  );
}

interface WindowRowProps {
  name: string;
  window: OpenWindow;
  /** When it was told, by the clock of this machine. */
  at: number;
  rules: Definition;
  mayFlush: boolean;
}

function WindowRow({ name, window, at, rules, mayFlush }: WindowRowProps): ReactElement {
  const flush = useFlush(name);
  const { key, items, age_seconds, idle_seconds, due_at, held } = window;
  const shown = key === "" ? "all items" : key;
  return (
    <tr>
      <th scope="row" className="max-w-64 truncate text-left font-medium" title={`${shown}, batch ${window.batch_id}`}>
        {shown}
      </th>
      <td>
        {rules.maxItems === undefined ? (
          <span className="figure">{count(items)}</span>
        ) : (
          <span className="flex flex-col gap-1">
            <span className="figure flex justify-between gap-3 text-xs whitespace-nowrap">
              <span>{count(items)}</span>
              <span className="text-soft">of {count(rules.maxItems)}</span>
            </span>
            <Meter label={`Items of ${shown}`} total={rules.maxItems} shares={[{ label: "items", value: items, tone: "good" }]} />
          </span>
        )}
      </td>
      <td className="pl-4!">
        <AgingBar label={`Age of ${shown}`} seconds={age_seconds} at={at} limitSeconds={rules.windowSeconds ?? null} />
      </td>
      <td className="pl-4!">
        <AgingBar label={`Idle time of ${shown}`} seconds={idle_seconds} at={at} limitSeconds={rules.idleTimeoutSeconds ?? null} />
      </td>
      <td className="number">
        {held ? <Status look={{ word: "Held", icon: "pause", tone: "warn" }} /> : null}{" "}
        {due_at === null ? (
          <span className="text-soft">not by time</span>
        ) : (
          <span title={fullTime(due_at)}>
            <Countdown seconds={dueIn(window)} at={at} />
          </span>
        )}
      </td>
      {mayFlush ? (
        <td className="number">
          <button type="button" className="button" aria-label={`Close now: ${shown}`} onClick={() => void flush(key)}>
            Close now
          </button>
        </td>
      ) : null}
    </tr>
  );
}

/** Seconds from when the window was told until it is due, by the server's own clock: its age was told at the same moment. */
function dueIn({ due_at, opened_at, age_seconds }: OpenWindow): number {
  return (Date.parse(due_at!) - Date.parse(opened_at)) / 1000 - age_seconds;
}

function NoWindows({ stream }: { stream: Stream }): ReactElement {
  const { keyField } = definitionOf(stream);
  const path = stream.name === "detections" ? "/api/detections" : `/api/streams/${stream.name}/items`;
  const item =
    stream.name === "detections"
      ? `{"camera_id":"front_door","detection_id":1,"label":"person","confidence":0.9}`
      : JSON.stringify({ id: "1", ...(keyField === undefined ? {} : { [keyField]: "a" }) });
  if (stream.name === "requests")
    return <p className="text-soft">No request waits. Requests to models come by POST /api/requests and are collected here.</p>;
  return (
    <div className="flex max-w-3xl flex-col gap-3">
      <p className="text-soft">
        No window is open{stream.definition["windowSeconds"] === undefined ? "." : ": everything that came has become batches."} The next
        item opens one:
      </p>
      <Snippets
        label="Ways to send an item"
        snippets={[
          {
            name: "curl",
            text: `curl -s ${window.location.origin}${path} \\\n  -H "authorization: Bearer $BATCHYARD_TOKEN" -H "content-type: application/json" \\\n  -d '${item}'`,
          },
        ]}
      />
    </div>
  );
}
