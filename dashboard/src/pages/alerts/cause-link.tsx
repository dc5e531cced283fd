import type { ReactElement, ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { aboutOf } from "./look.ts";

/** Rules whose cause is to be seen among the errors, among the waiting batches, or among the workers. */
const OF_ERRORS = new Set(["highErrorRate", "newErrorClass", "retryStorm"]);
const OF_WAITING = new Set(["queueWaitHigh", "queueStuck", "queueGrowing", "backpressure", "lowThroughput"]);
const OF_WORKERS = new Set(["noWorkers", "workerLost", "batchStalled", "watchdog"]);

/** The way to what is wrong: the page on which it can be seen and mended. */
export function CauseLink({ kind, instance, children }: { kind: string; instance: string; children: ReactNode }): ReactElement {
  const { kind: sort, name } = aboutOf(instance);
  if (kind === "deadLetterNew")
    return (
      <Link to="/failures" search={{ tab: "dead" }} className="link">
        {children}
      </Link>
    );
  if (sort === "stream")
    return (
      <Link to="/streams/$name" params={{ name }} className="link">
        {children}
      </Link>
    );
  if (sort === "channel")
    return (
      <Link to="/alerts" search={{ tab: "channels" }} className="link">
        {children}
      </Link>
    );
  if (OF_WORKERS.has(kind))
    return (
      <Link to="/workers" className="link">
        {children}
      </Link>
    );
  if (OF_ERRORS.has(kind))
    return (
      <Link to="/failures" search={sort === "operation" ? { operation: name } : {}} className="link">
        {children}
      </Link>
    );
  const q = sort === "operation" ? { q: `op:${name.includes(" ") ? `"${name}"` : name}` } : {};
  const status = kind === "batchFailure" ? ("failed" as const) : OF_WAITING.has(kind) ? ("pending" as const) : ("running" as const);
  return (
    <Link to="/batches" search={{ ...q, status }} className="link">
      {children}
    </Link>
  );
}
