import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { ClientError } from "batchyard/client";
import { useMay } from "../../data/session.ts";
import { definitionOf } from "../../data/streams.ts";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { useBack } from "../../shell/back.ts";
import { PageTitle } from "../../shell/page-title.tsx";
import { PauseStream, StreamState } from "../../streams/stream-state.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { Figures } from "./figures.tsx";
import { Flush } from "./flush.tsx";
import { StreamBatches } from "./stream-batches.tsx";
import { streamQuery } from "./queries.ts";
import { Rules } from "./rules/rules.tsx";
import { StreamTabs } from "./stream-tabs.tsx";
import { Traffic } from "./traffic.tsx";
import { Windows } from "./windows.tsx";

/** One stream: what is open, what came and why it closed, the rules and what others would do. */
export function StreamPage(): ReactElement {
  const { name } = useParams({ from: "/streams/$name" });
  useBack("/streams", "Back to the streams");
  const { tab = "windows" } = useSearch({ from: "/streams/$name" });
  const { data: stream, error, refetch } = useQuery(streamQuery(name));
  const mayAct = useMay("operator");
  if (stream === undefined)
    return (
      <>
        <PageTitle title={error === null ? name : "Stream not shown"} above={<Back />} />
        {error === null ? (
          <Loading lines={8} label="Loading the stream" />
        ) : error instanceof ClientError && error.status === 404 ? (
          <Empty title="There is no such stream">
            <code>{name}</code> was never defined, or was deleted. Its batches, if there are any, are among{" "}
            <Link to="/batches" search={{ q: `stream:${name}` }} className="link">
              the batches
            </Link>
            .
          </Empty>
        ) : (
          <Fault error={error} retry={() => void refetch()} />
        )}
      </>
    );
  const { operation, keyField } = definitionOf(stream);
  return (
    <>
      <PageTitle
        title={stream.name}
        above={<Back />}
        below={
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
            <StreamState stream={stream} />
            <span>{operation}</span>
            <span>
              {keyField === undefined ? (
                "one window at a time"
              ) : (
                <>
                  a window for each <code>{keyField}</code>
                </>
              )}
            </span>
          </span>
        }
        actions={
          mayAct ? (
            <>
              <PauseStream stream={stream} />
              <Flush stream={stream} />
            </>
          ) : undefined
        }
      />
      <div className="flex flex-col gap-8">
        {stream.fault === null ? null : <p className="border-l-2 border-bad pl-3">Its windows can not become batches: {stream.fault}</p>}
        <Figures stream={stream} />
        <StreamTabs name={stream.name} chosen={tab} />
        {tab === "windows" ? (
          <div className="flex flex-col gap-10">
            <Windows stream={stream} />
            <StreamBatches name={stream.name} />
          </div>
        ) : tab === "traffic" ? (
          <Traffic name={stream.name} />
        ) : tab === "rules" ? (
          <Rules key={stream.name} stream={stream} />
        ) : (
          <DeadLetters name={stream.name} />
        )}
      </div>
    </>
  );
}

function Back(): ReactElement {
  return (
    <Link to="/streams" className="text-sm text-soft hover:text-ink">
      Streams
    </Link>
  );
}
