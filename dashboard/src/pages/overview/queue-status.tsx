import type { ReactElement } from "react";
import type { Monitoring } from "../../data/wire.ts";
import { count } from "../../figures/number.ts";
import { Meter } from "../../parts/meter.tsx";
import { Status } from "../../parts/status.tsx";
import type { Look } from "../../parts/states.ts";

const LOOKS: readonly { of: keyof Monitoring["queues"]; look: Look }[] = [
  { of: "pending", look: { word: "Pending", icon: "circle", tone: "idle" } },
  { of: "processing", look: { word: "Processing", icon: "half", tone: "busy" } },
  { of: "completed", look: { word: "Completed", icon: "check", tone: "good" } },
  { of: "failed", look: { word: "Failed", icon: "cross", tone: "bad" } },
];

/** How the batches stand: what waits and runs now, what ended in this time. */
export function QueueStatus({ queues, range }: { queues: Monitoring["queues"]; range: string }): ReactElement {
  const total = LOOKS.reduce((sum, { of }) => sum + queues[of], 0);
  return (
    <section aria-label="Queue status" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-baseline gap-x-2">
        <h3>Queue status</h3>
        <span className="text-soft">batches that wait and run now, and that ended in the {range}</span>
      </div>
      <div className="[&_.bar]:h-2">
        <Meter
          label="Batches"
          shares={LOOKS.map(({ of, look }) => ({ label: look.word, value: queues[of], tone: look.tone }))}
          total={total}
        />
      </div>
      <ul className="figure flex flex-wrap gap-x-6 gap-y-1 text-sm">
        {LOOKS.map(({ of, look }) => (
          <li key={of} className="inline-flex items-center gap-1.5">
            <Status look={look} /> {count(queues[of])}
          </li>
        ))}
      </ul>
    </section>
  );
}
