import type { Figures } from "../../streams/preview/figures.ts";
import type { Measured, Outcome } from "../../streams/preview/preview.ts";
import type { ChangeReport } from "../../streams/preview/rule-log.ts";
import type { PreviewAnswer } from "../../streams/service.ts";
import { round } from "./batch.ts";

const HOUR = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();

export interface WireExtras {
  /** As the asker calls it; null = no sweep. */
  sweepSetting: string | null;
  unaffected: readonly string[];
}

export function wirePreview({ stream, current, candidate, preview }: PreviewAnswer, { sweepSetting, unaffected }: WireExtras): object {
  const { from, to, arrivals, calibration, service, maxOpen } = preview;
  const recorded = preview.candidate !== null;
  return {
    success: true,
    stream,
    recorded,
    message: messageOf(stream, preview),
    since: from === null ? null : iso(from),
    until: iso(to),
    arrivals: { items: arrivals.items, keys: arrivals.keys, left_out: arrivals.leftOut },
    rules: { current, candidate },
    unaffected,
    percentiles: "nearest rank from a DDSketch, within 1 %",
    calibration:
      calibration === null
        ? null
        : {
            since: iso(Math.max(calibration.from, from ?? 0)),
            recorded: calibration.recorded,
            replayed: calibration.replayed,
            matched: calibration.matched,
            share: calibration.share === null ? null : round(calibration.share, 4),
          },
    service:
      service === null
        ? null
        : {
            per_batch_ms: round(service.perBatchMs, 3),
            per_item_ms: round(service.perItemMs, 3),
            batches: service.batches,
            slots: service.slots,
          },
    current: preview.current === null ? null : wireOutcome(preview.current),
    candidate: preview.candidate === null ? null : wireOutcome(preview.candidate),
    sweep:
      preview.sweep === null || sweepSetting === null
        ? null
        : { setting: sweepSetting, points: preview.sweep.map(({ value, outcome }) => ({ value, ...wireOutcome(outcome) })) },
    warnings: recorded ? warningsOf(preview, maxOpen) : [],
  };
}

function messageOf(stream: string, { arrivals, candidate }: PreviewAnswer["preview"]): string {
  if (candidate !== null) return candidate.refusal ?? `Replayed ${arrivals.items - arrivals.leftOut} arrivals of ${stream}`;
  if (arrivals.items === 0) return `No arrivals of ${stream} are recorded in that time: there is nothing to try the rules on`;
  return `All ${arrivals.items} recorded arrivals of ${stream} belong to windows that were open before: there is nothing to try the rules on yet`;
}

function warningsOf({ calibration, candidate, service }: PreviewAnswer["preview"], maxOpen: number): string[] {
  const warnings: string[] = [];
  const share = calibration?.share ?? null;
  if (share === null) warnings.push("No window has closed under the rules in force yet: how well a replay matches is unknown");
  else if (share < 0.99)
    warnings.push(
      `The replay matches ${round(share * 100, 1)} % of what really happened: batches were removed, or items were dropped or moved by hand`,
    );
  if (candidate !== null && candidate.peakOpenItems > maxOpen)
    warnings.push(
      `${candidate.peakOpenItems} items would be open at once, the stream takes ${maxOpen} (maxOpen): its overflow rule would apply`,
    );
  if (service === null) warnings.push("No batch of the operation has run yet, or no worker runs here: utilisation is unknown");
  return warnings;
}

function wireFigures({ batches, items, itemsPerBatch, ageMs, reasons, jobsAvoided, peakClosuresPerSecond }: Figures): object {
  const rounded = <T extends object>(of: T | null): object | null =>
    of === null ? null : Object.fromEntries(Object.entries(of).map(([name, value]) => [name, round(Number(value), 2)]));
  return {
    batches,
    items,
    items_per_batch: rounded(itemsPerBatch),
    age_at_closure_ms: rounded(ageMs),
    reasons,
    jobs_avoided: jobsAvoided,
    peak_closures_per_second: peakClosuresPerSecond,
  };
}

function wireOutcome({ figures, peakOpenItems, refusal }: Outcome): object {
  const { utilisation } = figures;
  return {
    ...wireFigures(figures),
    utilisation: utilisation === null ? null : { mean: round(utilisation.mean, 4), busiest_hour: round(utilisation.busiestHour, 4) },
    peak_open_items: peakOpenItems,
    refused: refusal !== null,
    reason: refusal,
  };
}

function wireMeasured(measured: Measured | null): object | null {
  if (measured === null) return null;
  const { from, to, figures } = measured;
  return { since: iso(from), until: iso(to), hours: round((to - from) / HOUR, 3), ...wireFigures(figures) };
}

export function wireChange({ at, before, after, state, actualAt, predicted, actual }: ChangeReport): object {
  const [p, a] = [predicted?.figures, actual?.figures];
  const off = (ours: number | undefined, real: number | undefined): number | null =>
    ours === undefined || real === undefined || real === 0 ? null : round(ours / real - 1, 4);
  const size = off(p?.itemsPerBatch?.mean, a?.itemsPerBatch?.mean);
  return {
    at: iso(at),
    before,
    after,
    state,
    measured_at: iso(actualAt),
    predicted: wireMeasured(predicted),
    actual: wireMeasured(actual),
    error:
      size === null
        ? null
        : { items_per_batch: size, age_p50: off(p?.ageMs?.p50, a?.ageMs?.p50), age_p95: off(p?.ageMs?.p95, a?.ageMs?.p95) },
  };
}
