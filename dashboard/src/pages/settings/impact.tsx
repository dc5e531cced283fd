import { useState, type ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import type { Preview } from "batchyard/client";
import { client } from "../../data/client.ts";
import { duration } from "../../figures/duration.ts";
import { count, percent, rate } from "../../figures/number.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Awaited } from "../../parts/notice.tsx";
import { TextField } from "../../parts/text-field.tsx";
import { Time } from "../../parts/time.tsx";

type Outcome = NonNullable<Preview["candidate"]>;

interface ImpactDialogProps {
  patch: Record<string, Record<string, unknown>>;
  onClose: () => void;
  /** Absent = it is only looked at. `reason`: why, where the preview does not speak for it. */
  onSave: ((reason: string) => void) | undefined;
}

/** What the changed rules would have done to the arrivals of the last day, beside what those in force did. */
export function ImpactDialog({ patch, onClose, onSave }: ImpactDialogProps): ReactElement {
  const { data, error, refetch } = useQuery({
    queryKey: ["settings", "preview", patch],
    queryFn: () => client.settings.preview({ patch: onlyRules(patch) as never }),
    retry: false,
    gcTime: 0,
  });
  const [reason, setReason] = useState("");
  const asksWhy = onSave !== undefined && (error !== null || data?.candidate?.refused === true);
  return (
    <Dialog
      title="What the change would have done"
      onClose={onClose}
      footer={
        <>
          <button type="button" className="button" onClick={onClose}>
            {onSave === undefined ? "Close" : "Not yet"}
          </button>
          {onSave === undefined ? null : (
            <button
              type="button"
              className="button button-main"
              onClick={() => onSave(reason.trim())}
              disabled={asksWhy ? reason.trim() === "" : data === undefined}
            >
              Save
            </button>
          )}
        </>
      }
    >
      {data === undefined ? (
        <Awaited error={error} lines={6} label="Trying the rules on recorded arrivals" retry={() => void refetch()} />
      ) : (
        <Impact preview={data} />
      )}
      {asksWhy ? (
        <TextField label="Why it is saved all the same" hint="It stands in the audit log" needed value={reason} onChange={setReason} />
      ) : null}
    </Dialog>
  );
}

function Impact({ preview }: { preview: Preview }): ReactElement {
  const { recorded, message, current, candidate, arrivals, since, calibration, warnings } = preview;
  if (!recorded || current === null || candidate === null) return <p>{message}</p>;
  return (
    <div className="flex flex-col gap-4">
      <p>{message}</p>
      <table className="table">
        <caption className="sr-only">Rules in force and changed rules on the same arrivals</caption>
        <thead>
          <tr>
            <th scope="col">On the same arrivals</th>
            <th scope="col" className="number">
              In force
            </th>
            <th scope="col" className="number">
              Changed
            </th>
          </tr>
        </thead>
        <tbody>
          {FIGURES.map(([label, figure]) => (
            <tr key={label}>
              <th scope="row" className="text-left font-normal">
                {label}
              </th>
              <td className="number">{figure(current)}</td>
              <td className="number font-medium">{figure(candidate)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {candidate.refused || warnings.length > 0 ? (
        <ul className="flex flex-col gap-1 text-sm text-warn">
          {[...(candidate.reason === null ? [] : [candidate.reason]), ...warnings].map((warning) => (
            <li key={warning} className="inline-flex items-baseline gap-1.5">
              <Icon name="warning" /> {warning}
            </li>
          ))}
        </ul>
      ) : null}
      <p className="text-sm text-soft">
        {count(arrivals.items)} items of {count(arrivals.keys)} keys{" "}
        {since === null ? null : (
          <>
            since <Time at={since} />
          </>
        )}
        .
        {calibration === null || calibration.share === null
          ? " Nothing closed since the present rules are in force, so the replay could not be held against it."
          : ` The same replay of the present rules matched ${percent(calibration.share)} of the windows that really closed.`}
      </p>
    </div>
  );
}

const FIGURES: readonly [string, (outcome: Outcome) => string][] = [
  ["Batches", ({ batches }) => count(batches)],
  ["Items in a batch, mean", ({ items_per_batch }) => (items_per_batch === null ? "—" : rate(items_per_batch.mean))],
  ["Age when closed, half within", ({ age_at_closure_ms }) => (age_at_closure_ms === null ? "—" : duration(age_at_closure_ms.p50))],
  ["Age when closed, 95 % within", ({ age_at_closure_ms }) => (age_at_closure_ms === null ? "—" : duration(age_at_closure_ms.p95))],
  ["Most closures in a second", ({ peak_closures_per_second }) => count(peak_closures_per_second)],
  ["Worker time used", ({ utilisation }) => (utilisation === null ? "—" : percent(utilisation.mean))],
];

/** The fast path cannot be tried on recorded arrivals; it is left out, not refused. */
function onlyRules(patch: Record<string, Record<string, unknown>>): Record<string, unknown> {
  return patch["batch"] === undefined ? {} : { batch: patch["batch"] };
}
