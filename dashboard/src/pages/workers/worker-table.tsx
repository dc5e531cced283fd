import { useState, type ReactElement, type ReactNode } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { useMay } from "../../data/session.ts";
import { duration } from "../../figures/duration.ts";
import { count, plural } from "../../figures/number.ts";
import { useSecondsSince } from "../../live/second.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { messageOf } from "../../parts/notice.tsx";
import { Section, Wide } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { toast } from "../../parts/toast.ts";
import type { Look } from "../../parts/states.ts";
import { setDraining, type Worker } from "./queries.ts";
import { Resize } from "./resize.tsx";
import { SlotGrid } from "./slot-grid.tsx";

interface WorkerTableProps {
  title: string;
  workers: readonly Worker[];
  /** When they were told of, by the clock of this machine. */
  toldAt: number;
}

export function WorkerTable({ title, workers, toldAt }: WorkerTableProps): ReactElement {
  const mayDrain = useMay("admin");
  const isHere = workers.some(({ kind }) => kind === "local");
  const knowsProcess = workers.some(({ memory, cpu_percent: cpu, host }) => memory !== null || cpu !== null || host !== null);
  const counts = workers.some((worker) => worker.chunks_done !== null);
  return (
    <Section title={title} aside={workers.length > 1 ? plural(workers.length, "worker") : undefined}>
      <Wide label={title}>
        <table className="table" aria-label={title}>
          <thead>
            <tr>
              <th scope="col">Worker</th>
              <th scope="col">State</th>
              <th scope="col">{isHere ? "Slots" : "Chunks held"}</th>
              <th scope="col" className="number">
                {isHere ? "Heartbeat" : "Last call"}
              </th>
              {counts ? (
                <th scope="col" className="number">
                  Chunks done
                </th>
              ) : null}
              {knowsProcess ? (
                <>
                  <th scope="col" className="number">
                    CPU
                  </th>
                  <th scope="col" className="number">
                    Memory
                  </th>
                  <th scope="col" className="number">
                    Event loop lag p99
                  </th>
                </>
              ) : null}
              {mayDrain ? (
                <th scope="col">
                  <span className="sr-only">Actions</span>
                </th>
              ) : null}
            </tr>
          </thead>
          <tbody>
            {workers.map((worker) => (
              <WorkerRow key={worker.id} worker={worker} toldAt={toldAt} knowsProcess={knowsProcess} counts={counts} mayDrain={mayDrain} />
            ))}
          </tbody>
        </table>
      </Wide>
    </Section>
  );
}

interface WorkerRowProps {
  worker: Worker;
  toldAt: number;
  knowsProcess: boolean;
  counts: boolean;
  mayDrain: boolean;
}

function WorkerRow({ worker, toldAt, knowsProcess, counts, mayDrain }: WorkerRowProps): ReactElement {
  const { id, slots, running, memory, chunks_done: done, event_loop_lag_p99_seconds: lag, version, cpu_percent: cpu, host } = worker;
  const about = [version === null ? null : `version ${version}`, host?.name === undefined || host.name === null ? null : `on ${host.name}`];
  return (
    <tr>
      <th scope="row" className="max-w-72 truncate text-left font-mono text-sm font-normal" title={id}>
        {id.replace(/^external:/, "")}
        <span className="block truncate font-sans text-xs text-soft">{about.filter((each) => each !== null).join(" ")}</span>
      </th>
      <td>
        <Status look={lookOf(worker)} />
      </td>
      <td>{slots === null ? <span className="figure">{count(running)}</span> : <SlotGrid running={running} slots={slots} />}</td>
      <td className="number">
        <Heard worker={worker} toldAt={toldAt} />
      </td>
      {counts ? <td className="number">{done === null ? "—" : count(done)}</td> : null}
      {knowsProcess ? (
        <>
          <td className="number">
            <span>
              {cpu === null ? "—" : <span title="Of one core, by its process">{count(Math.round(cpu))} %</span>}
              {host === null || host.cpu_percent === null ? null : <OfHost>{count(Math.round(host.cpu_percent))} %</OfHost>}
            </span>
          </td>
          <td className="number">
            <span>
              {memory === null ? (
                "—"
              ) : memory.heap_used_bytes === null ? (
                megabytes(memory.rss_bytes)
              ) : (
                <span title={`${megabytes(memory.heap_used_bytes)} of it JavaScript objects`}>{megabytes(memory.rss_bytes)}</span>
              )}
              {host === null || host.memory_bytes === null || host.memory_free_bytes === null ? null : (
                <OfHost>
                  {gigabytes(host.memory_bytes - host.memory_free_bytes)} of {gigabytes(host.memory_bytes)} GB
                </OfHost>
              )}
            </span>
          </td>
          <td className="number">{lag === null ? "—" : duration(lag * 1000)}</td>
        </>
      ) : null}
      {mayDrain ? (
        <td className="number">
          <span className="flex justify-end gap-1">
            {worker.kind === "local" ? <Resize worker={worker} /> : null}
            <Drain worker={worker} />
          </span>
        </td>
      ) : null}
    </tr>
  );
}

function lookOf({ state, status, running }: Worker): Look {
  if (state === "lost") return { word: "Lost", icon: "cross", tone: "bad" };
  if (state === "draining") return { word: running > 0 ? "Draining" : "Drained", icon: "pause", tone: "warn" };
  if (status === "off") return { word: "Off", icon: "slash", tone: "idle" };
  return running > 0 ? { word: "Busy", icon: "half", tone: "busy" } : { word: "Idle", icon: "circle", tone: "idle" };
}

/** Below what the process takes: what is in use of its machine, by everybody. */
function OfHost({ children }: { children: ReactNode }): ReactElement {
  return <span className="block text-xs text-soft">machine {children}</span>;
}

function gigabytes(bytes: number): string {
  return (bytes / 1_073_741_824).toFixed(1);
}

function megabytes(bytes: number): string {
  return `${count(bytes / 1_048_576)} MB`;
}

/** Since it was last heard of, second by second. This server is heard of by its answer. */
function Heard({ worker, toldAt }: { worker: Worker; toldAt: number }): ReactElement {
  const since = useSecondsSince(toldAt);
  if (worker.last_seen === null) return <span className="text-soft">not since the start</span>;
  const before = worker.kind === "local" ? 0 : Math.max(0, (toldAt - Date.parse(worker.last_seen)) / 1000);
  const seconds = Math.floor(before + since);
  return <span>{seconds === 0 ? "now" : `${duration(seconds * 1000).replace(".0 s", " s")} ago`}</span>;
}

function Drain({ worker }: { worker: Worker }): ReactElement {
  const cache = useQueryClient();
  const [asking, ask] = useState(false);
  const name = worker.id.replace(/^external:/, "");
  const draining = worker.state === "draining";
  async function act(): Promise<void> {
    ask(false);
    try {
      await setDraining(worker.id, !draining);
      toast(draining ? `${name} takes chunks again` : `${name} takes no chunk any more`);
    } catch (error) {
      toast(messageOf(error), "bad");
    }
    await Promise.all([["workers"], ["overview"]].map((queryKey) => cache.invalidateQueries({ queryKey })));
  }
  return (
    <>
      <button
        type="button"
        className="button"
        aria-label={`${draining ? "Resume" : "Drain"} ${name}`}
        onClick={() => (draining ? void act() : ask(true))}
      >
        {draining ? "Resume" : "Drain"}
      </button>
      {asking ? (
        <Dialog
          title={`Drain ${name}?`}
          onClose={() => ask(false)}
          footer={
            <>
              <button type="button" className="button" onClick={() => ask(false)}>
                Let it work
              </button>
              <button type="button" className="button button-danger" onClick={() => void act()}>
                Drain the worker
              </button>
            </>
          }
        >
          <p>
            It starts no chunk any more until it is resumed; the {plural(worker.running, "chunk")} it has{" "}
            {worker.running === 1 ? "ends" : "end"} as usual.
            {worker.kind === "local" ? " Batches of this server wait meanwhile, unless workers outside take them." : ""}
          </p>
        </Dialog>
      ) : null}
    </>
  );
}
