import { addJobs, noJobs, type JobTotals } from "../../model/job-totals.ts";
import { toUsd } from "../../model/money.ts";
import type { JobPoint } from "../../store/port.ts";
import { jobStatusOf, type JobStatus } from "./job-status.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Numbers of a time range, as the answer names them; each is a number also where there is nothing to count. */
export interface Summary {
  totalJobs: number;
  completedJobs: number;
  failedJobs: number;
  pendingJobs: number;
  totalRequests: number;
  processedRequests: number;
  /** US dollars; percent. */
  costSavings: { currentPeriod: number; projectedMonthly: number; savingsPercentage: number };
  /** Milliseconds from start to end. */
  averageProcessingTime: number;
  /** Percent, one decimal; 100 while nothing has ended. */
  successRate: number;
}

export interface Performance {
  throughput: { requestsPerHour: number; jobsPerHour: number; averageBatchSize: number };
  /** Percent. */
  efficiency: { batchUtilization: number; processingEfficiency: number; errorRate: number };
}

/** Sums of a range, all together and by job status. */
export class JobFigures {
  readonly all: JobTotals = noJobs();
  private readonly byStatus = new Map<JobStatus, JobTotals>();

  constructor(points: readonly JobPoint[]) {
    for (const point of points) {
      addJobs(this.all, point.totals);
      const status = jobStatusOf(point.status);
      let totals = this.byStatus.get(status);
      if (totals === undefined) this.byStatus.set(status, (totals = noJobs()));
      addJobs(totals, point.totals);
    }
  }

  jobs(status: JobStatus): number {
    return this.byStatus.get(status)?.jobs ?? 0;
  }

  /** Percent of the jobs that completed or failed, one decimal. */
  get successRate(): number {
    const ended = this.jobs("completed") + this.jobs("failed");
    return ended === 0 ? 100 : rounded((this.jobs("completed") / ended) * 100, 1);
  }

  get errorRate(): number {
    return rounded(100 - this.successRate, 1);
  }

  /** `lengthMs`: of the range. */
  summary(lengthMs: number): Summary {
    const { all } = this;
    const saved = toUsd(all.saved);
    return {
      totalJobs: all.jobs,
      completedJobs: this.jobs("completed"),
      failedJobs: this.jobs("failed"),
      pendingJobs: this.jobs("pending"),
      totalRequests: all.items,
      processedRequests: all.succeeded + all.failed,
      costSavings: {
        currentPeriod: saved,
        projectedMonthly: rounded((saved / (lengthMs / DAY_MS)) * 30, 6),
        savingsPercentage: all.standard === 0 ? 0 : rounded((all.saved / all.standard) * 100, 1),
      },
      averageProcessingTime: all.timed === 0 ? 0 : Math.round(all.run_ms / all.timed),
      successRate: this.successRate,
    };
  }

  /** `maxSize`: requests a batch may have. */
  performance(lengthMs: number, maxSize: number): Performance {
    const { all } = this;
    const hours = lengthMs / HOUR_MS;
    const averageBatchSize = all.jobs === 0 ? 0 : all.items / all.jobs;
    const busy = all.run_ms + all.wait_ms;
    return {
      throughput: {
        requestsPerHour: rounded(all.items / hours, 2),
        jobsPerHour: rounded(all.jobs / hours, 2),
        averageBatchSize: rounded(averageBatchSize, 2),
      },
      efficiency: {
        batchUtilization: rounded((averageBatchSize / maxSize) * 100, 1),
        processingEfficiency: busy === 0 ? 0 : rounded((all.run_ms / busy) * 100, 1),
        errorRate: this.errorRate,
      },
    };
  }
}

export function rounded(value: number, places: number): number {
  const unit = 10 ** places;
  return Math.round(value * unit) / unit;
}
