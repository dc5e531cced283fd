import type { ReactElement } from "react";
import { Link } from "@tanstack/react-router";
import type { Overview } from "../../data/wire.ts";
import { Icon } from "../../parts/icon.tsx";
import { Status } from "../../parts/status.tsx";
import { BOTTLENECK_LOOK } from "../../streams/bottleneck-mark.tsx";
import type { FlowSearch } from "./search.ts";

type Bottleneck = NonNullable<Overview["bottleneck"]>;

/** The bottleneck in the server's sentence, and where to go on from there. */
export function Verdict({
  bottleneck,
  known,
  search,
}: {
  bottleneck: Bottleneck | null;
  known: boolean;
  search: FlowSearch;
}): ReactElement {
  if (bottleneck === null)
    return (
      <p className="text-soft">
        {known
          ? "No batch ended in the last 15 minutes, and none is held up: there is no bottleneck to name."
          : "Looking for the bottleneck …"}
      </p>
    );
  return (
    <div className="flex max-w-3xl flex-col gap-2 border-l-2 border-accent pl-4">
      <Status look={BOTTLENECK_LOOK[bottleneck.kind]} />
      <p className="text-lg">{bottleneck.sentence}</p>
      <p className="inline-flex flex-wrap items-center gap-x-1.5 text-sm">
        <Icon name="right" className="text-soft" /> <Hint kind={bottleneck.kind} search={search} />
        <span className="text-soft">The sentence is of the last 15 minutes.</span>
      </p>
    </div>
  );
}

function Hint({ kind, search }: { kind: Bottleneck["kind"]; search: FlowSearch }): ReactElement {
  switch (kind) {
    case "window":
      return search.stream === undefined ? (
        <Link to="/streams" className="link">
          Look for the stream whose windows are long
        </Link>
      ) : (
        <Link to="/streams/$name" params={{ name: search.stream }} search={{ tab: "rules" }} className="link">
          Try shorter windows on what came
        </Link>
      );
    case "capacity":
    case "dispatch":
      return (
        <Link to="/workers" className="link">
          See who works, and start another worker
        </Link>
      );
    case "throttle":
      return (
        <Link to="/workers" className="link">
          See the breakers and reset one
        </Link>
      );
    case "retry":
      return (
        <Link to="/failures" className="link">
          See what fails
        </Link>
      );
    case "handler":
      return (
        <Link to="/batches" search={search.operation === undefined ? {} : { q: `op:${search.operation}` }} className="link">
          See the batches that run
        </Link>
      );
  }
}
