import type { ReactElement } from "react";
import type { Overview } from "../../data/wire.ts";
import { percent, slotsInUse } from "../../figures/number.ts";
import { Section } from "../../parts/section.tsx";
import { Status } from "../../parts/status.tsx";
import { Time } from "../../parts/time.tsx";
import type { Look } from "../../parts/states.ts";

type Worker = Overview["workers"][number];

/** Who works, and how much of each is in use. */
export function WorkerStrip({ workers, utilisation }: { workers: readonly Worker[]; utilisation: number | null }): ReactElement {
  return (
    <Section title="Workers" aside={utilisation === null ? undefined : `${percent(utilisation)} of the slots in use`}>
      <ul className="flex flex-col">
        {workers.map((worker) => (
          <li key={worker.id} className="flex flex-col gap-2 border-b border-line py-2.5 first:pt-0 last:border-b-0">
            <div className="flex items-baseline justify-between gap-3">
              <span className="min-w-0 truncate font-mono text-sm" title={worker.id}>
                {worker.id}
              </span>
              <span className="text-sm">
                <Status look={lookOf(worker)} />
              </span>
            </div>
            <Slots worker={worker} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

const MOST_CELLS = 32;

function Slots({ worker }: { worker: Worker }): ReactElement {
  const { slots, running } = worker;
  return (
    <div className="flex items-center gap-3 text-sm text-soft">
      {slots === null || slots > MOST_CELLS ? null : (
        <span aria-hidden="true" className="flex gap-[3px]">
          {Array.from({ length: slots }, (_, i) => (
            <span key={i} className={`h-3.5 w-2 rounded-[2px] ${i < running ? "bg-busy" : "bg-line"}`} />
          ))}
        </span>
      )}
      <span className="figure">{slots === null ? `${running} chunks held` : `${slotsInUse(running, slots)} slots in use`}</span>
      <span className="ml-auto">{worker.kind === "local" ? "this server" : <Time at={worker.last_seen} />}</span>
    </div>
  );
}

function lookOf(worker: Worker): Look {
  if (worker.state === "lost") return { word: "Lost", icon: "cross", tone: "bad" };
  if (worker.state === "draining") return { word: "Draining", icon: "pause", tone: "warn" };
  if (worker.status === "off") return { word: "Off", icon: "slash", tone: "idle" };
  return worker.running > 0 ? { word: "Busy", icon: "half", tone: "busy" } : { word: "Idle", icon: "circle", tone: "idle" };
}
