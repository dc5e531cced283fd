import type { ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ClientError } from "batchyard/client";
import { overviewQuery } from "../../data/queries.ts";
import { Empty, Fault, Loading } from "../../parts/notice.tsx";
import { PageTitle } from "../../shell/page-title.tsx";
import { Latency } from "./latency.tsx";
import { LittlesLaw } from "./littles-law.tsx";
import { flowQuery } from "./queries.ts";
import { Saturation } from "./saturation.tsx";
import { type FlowSearch, type Span, SPANS } from "./search.ts";
import { Stages } from "./stages.tsx";
import { Verdict } from "./verdict.tsx";

const SPAN_NAMES: Readonly<Record<Span, string>> = { "15": "15 min", "60": "1 h", "1440": "24 h" };

/** Where the time goes between a first item and the end of its batch, and what to do about it. */
export function FlowPage(): ReactElement {
  const search = useSearch({ from: "/flow" });
  const flow = useQuery(flowQuery(search));
  const { data: overview, isLoading: isAwaited } = useQuery(overviewQuery);
  const minutes = search.minutes ?? "15";
  const told =
    search.stream !== undefined
      ? overview?.streams.find((each) => each.name === search.stream)
      : search.operation !== undefined
        ? overview?.queues.find((each) => each.name === search.operation)
        : overview;
  return (
    <>
      <PageTitle
        title="Flow"
        below="Where the time goes between a first item and the end of its batch."
        actions={<Choice search={search} />}
      />
      {flow.data === undefined || isAwaited ? (
        flow.error === null ? (
          <Loading lines={8} label="Loading the flow" />
        ) : flow.error instanceof ClientError && flow.error.status === 404 ? (
          <Empty title="There is no such stream">
            <code>{search.stream}</code> was never defined, or was deleted.{" "}
            <Link to="/flow" className="link">
              Show everything together
            </Link>
          </Empty>
        ) : (
          <Fault error={flow.error} retry={() => void flow.refetch()} />
        )
      ) : (
        <div className="flex flex-col gap-10">
          <Verdict bottleneck={told?.bottleneck ?? null} known={overview !== undefined} search={search} />
          <Stages
            flow={flow.data}
            aside={
              <nav aria-label="Range" className="flex gap-1">
                {SPANS.map((each) => (
                  <Link
                    key={each}
                    to="/flow"
                    search={{ ...withoutMinutes(search), ...(each === "15" ? {} : { minutes: each }) }}
                    resetScroll={false}
                    aria-current={each === minutes}
                    className={`rounded-sm px-2 py-0.5 ${each === minutes ? "bg-wash font-medium text-ink" : "hover:text-ink"}`}
                  >
                    {SPAN_NAMES[each]}
                  </Link>
                ))}
              </nav>
            }
          />
          <div className="grid gap-x-10 gap-y-10 lg:grid-cols-2">
            <Saturation points={flow.data.saturation} />
            <Latency minutes={minutes} />
          </div>
          {overview === undefined ? null : <LittlesLaw law={overview.littles_law} />}
        </div>
      )}
    </>
  );
}

/** Of what: everything, a stream, an operation. */
function Choice({ search }: { search: FlowSearch }): ReactElement {
  const navigate = useNavigate();
  const { data } = useQuery(overviewQuery);
  const streams = [...new Set([...(data?.streams.map(({ name }) => name) ?? []), ...(search.stream === undefined ? [] : [search.stream])])];
  const operations = [
    ...new Set([...(data?.queues.map(({ name }) => name) ?? []), ...(search.operation === undefined ? [] : [search.operation])]),
  ];
  const value =
    search.stream !== undefined ? `stream:${search.stream}` : search.operation !== undefined ? `operation:${search.operation}` : "";
  return (
    <select
      aria-label="Of what"
      className="button max-w-64"
      value={value}
      onChange={(event) => {
        const [kind = "", ...rest] = event.target.value.split(":");
        const { minutes } = search;
        void navigate({
          to: "/flow",
          search: { ...(kind === "" ? {} : { [kind]: rest.join(":") }), ...(minutes === undefined ? {} : { minutes }) },
        });
      }}
    >
      <option value="">Everything together</option>
      <optgroup label="A stream">
        {streams.map((name) => (
          <option key={name} value={`stream:${name}`}>
            {name}
          </option>
        ))}
      </optgroup>
      <optgroup label="An operation">
        {operations.map((name) => (
          <option key={name} value={`operation:${name}`}>
            {name}
          </option>
        ))}
      </optgroup>
    </select>
  );
}

function withoutMinutes({ minutes: _minutes, ...rest }: FlowSearch): FlowSearch {
  return rest;
}
