import type { ReactElement } from "react";
import type { Batch } from "batchyard/client";
import { count, plural, rate } from "../figures/number.ts";
import { Meter, type Share } from "./meter.tsx";
import { Time } from "./time.tsx";
import { TONE_FILL } from "./states.ts";
import { isCutShort, isOpen } from "./batch-state.ts";

/** How far it is, and when it will be over. */
export function BatchProgress({ batch }: { batch: Batch }): ReactElement {
  const shares: Share[] = [
    { label: "succeeded", value: batch.succeeded_items, tone: "good" },
    { label: "failed", value: batch.failed_items, tone: "bad" },
    { label: "running", value: batch.running_items, tone: "busy" },
    { label: "expired", value: batch.expired_items, tone: "warn" },
    { label: "cancelled", value: batch.cancelled_items, tone: "idle" },
  ];
  const speed = batch.items_per_second === null || !isOpen(batch) ? null : `${rate(batch.items_per_second)} items a second`;
  return (
    <section aria-label="Progress" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1">
        <p className="figure text-3xl font-semibold tracking-[-0.03em]">
          {isCutShort(batch) ? `${count(batch.processed_items)} of ${count(batch.total_items)}` : `${batch.progress} %`}
        </p>
        <p className="figure text-soft">
          {isCutShort(batch) ? "items were done when it ended" : `${count(batch.processed_items)} of ${plural(batch.total_items, "item")}`}
          {speed === null ? "" : ` · ${speed}`}
          {batch.eta_at === null || !isOpen(batch) ? null : (
            <>
              {" "}
              · done <Time at={batch.eta_at} />
            </>
          )}
        </p>
      </div>
      <div className="[&_.bar]:h-2">
        <Meter label="Items" shares={shares} total={batch.total_items} />
      </div>
      <ul className="figure flex flex-wrap gap-x-5 gap-y-1 text-sm text-soft">
        {shares
          .filter((share) => share.value > 0)
          .map((share) => (
            <li key={share.label} className="inline-flex items-center gap-1.5">
              <span aria-hidden="true" className={`size-2 rounded-[2px] ${TONE_FILL[share.tone]}`} />
              {count(share.value)} {share.label}
            </li>
          ))}
        {batch.retried_items > 0 ? <li>{count(batch.retried_items)} retried</li> : null}
      </ul>
    </section>
  );
}
