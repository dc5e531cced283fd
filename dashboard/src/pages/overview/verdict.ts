import type { Stats, Stream } from "batchyard/client";
import type { Queues, Worker } from "../../data/wire.ts";
import { duration } from "../../figures/duration.ts";
import { plural } from "../../figures/number.ts";
import { HEALTH_LOOK, type Look } from "../../theme/states.ts";

/** One sentence that says whether all is well, and if not, what is not. */
export interface Verdict {
  look: Look;
  sentence: string;
}

export function verdictOf(queues: Queues, workers: readonly Worker[], streams: readonly Stream[], stats: Stats): Verdict {
  const { summary } = queues;
  const broken = streams.find((stream) => stream.fault !== null);
  const lost = workers.filter((worker) => worker.state === "lost");
  const worst = queues.queues.find((queue) => queue.status === summary.overall_status && queue.status !== "healthy");
  if (broken !== undefined)
    return { look: HEALTH_LOOK.critical, sentence: `The stream ${broken.name} cannot become batches: ${broken.fault}` };
  if (summary.backpressure.state === "full")
    return {
      look: HEALTH_LOOK.critical,
      sentence: `Nothing new is taken: ${plural(summary.backpressure.waiting, "batch", "batches")} wait, the limit is ${summary.backpressure.max_size}`,
    };
  if (worst !== undefined) {
    const waits = worst.oldest_job === null ? "" : `, the oldest for ${duration(worst.oldest_job.wait_seconds * 1000)}`;
    return { look: HEALTH_LOOK[worst.status], sentence: `${worst.name}: ${plural(worst.depth, "batch waits", "batches wait")}${waits}` };
  }
  if (lost.length > 0)
    return { look: HEALTH_LOOK.warning, sentence: `${plural(lost.length, "worker was", "workers were")} lost; what they held runs again` };
  if (summary.total_workers === 0 && summary.total_queued > 0)
    return {
      look: HEALTH_LOOK.critical,
      sentence: `Nobody works: ${plural(summary.total_queued, "batch waits", "batches wait")} and there is no worker`,
    };
  const open = summary.total_queued + summary.total_running;
  if (open > 0)
    return {
      look: HEALTH_LOOK.healthy,
      sentence: `${plural(summary.total_running, "batch runs", "batches run")}, ${plural(summary.total_queued, "waits", "wait")}, nothing is stuck`,
    };
  return { look: HEALTH_LOOK.healthy, sentence: stats.total === 0 ? "Ready for the first batch" : "All batches have ended, nothing waits" };
}
