import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { overviewQuery } from "../../data/queries.ts";
import { useMay } from "../../data/session.ts";
import { streamsQuery } from "../../data/streams.ts";
import { Icon } from "../../parts/icon.tsx";
import { Fault, Loading } from "../../parts/notice.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import { NewStream } from "./new-stream.tsx";
import { Quiet } from "./quiet.tsx";
import { StreamList } from "./stream-list.tsx";

/** Every source whose single items become batches: what comes, what is open, what holds it up. */
export function StreamsPage(): ReactElement {
  const search = useSearch({ from: "/streams" });
  const navigate = useNavigate();
  const streams = useQuery(streamsQuery);
  const overview = useQuery(overviewQuery);
  const mayCreate = useMay("operator");
  const error = streams.data === undefined ? streams.error : null;
  return (
    <>
      <PageTitle
        title="Streams"
        below="Single items become batches: each key has a window, and it closes by the first of its rules."
        actions={
          mayCreate ? (
            <Link to="/streams" search={{ new: "yes" }} className="button button-main">
              <Icon name="plus" /> New stream
            </Link>
          ) : undefined
        }
      />
      {streams.data !== undefined ? (
        <div className="flex flex-col gap-8">
          <StreamList
            streams={streams.data}
            told={overview.data}
            toldAt={overview.dataUpdatedAt}
            {...(overview.error === null || overview.data !== undefined ? {} : { fault: overview.error })}
          />
          {streams.data.every((stream) => stream.ready_made && stream.open_windows === 0) ? <Quiet /> : null}
        </div>
      ) : error === null ? (
        <Loading lines={6} label="Loading streams" />
      ) : (
        <Fault error={error} retry={() => void streams.refetch()} />
      )}
      {search.new === "yes" && mayCreate && streams.data !== undefined ? (
        <NewStream names={streams.data.map((stream) => stream.name)} onClose={() => void navigate({ to: "/streams" })} />
      ) : null}
    </>
  );
}
