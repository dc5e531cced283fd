import { PRIORITY_WEIGHTS } from "../../model/priority.ts";
import type { ChunkHint, Dispatcher } from "./port.ts";

/**
 * In-process dispatcher: one queue a priority, served by stride scheduling. Each take moves its queue's pass forward by
 * 1/weight, and the queue with the smallest pass is next, so over time each gets its share and none starves. A queue that
 * was empty joins at the current time: it is served at once, but saves up nothing.
 */
export class MemoryDispatcher implements Dispatcher {
  private readonly weights: readonly number[];
  private readonly queues: ChunkHint[][];
  private readonly passes: number[];
  private readonly alone: ChunkHint[] = [];
  private time = 0;

  /** `weights`: of the priorities, low first. */
  constructor(weights: readonly number[] = PRIORITY_WEIGHTS) {
    this.weights = weights;
    this.queues = weights.map(() => []);
    this.passes = weights.map(() => 0);
  }

  offer(hint: ChunkHint): void {
    if (hint.suspect) {
      this.alone.push(hint);
      return;
    }
    const queue = this.queues[hint.priority]!;
    if (queue.length === 0) this.passes[hint.priority] = Math.max(this.passes[hint.priority]!, this.time);
    queue.push(hint);
  }

  take(accept: (hint: ChunkHint) => boolean): ChunkHint | null {
    const suspect = this.alone[0];
    if (suspect !== undefined && accept(suspect)) return this.alone.shift()!;
    const order = this.queues.map((_, priority) => priority).filter((priority) => this.queues[priority]!.length > 0);
    order.sort((a, b) => this.passes[a]! - this.passes[b]! || b - a);
    for (const priority of order) {
      const queue = this.queues[priority]!;
      const index = queue.findIndex(accept);
      if (index < 0) continue;
      this.time = this.passes[priority]!;
      this.passes[priority]! += 1 / this.weights[priority]!;
      return queue.splice(index, 1)[0]!;
    }
    return null;
  }

  waiting(priority: number): number {
    return this.queues[priority]!.length;
  }

  highest(): number {
    for (let priority = this.queues.length - 1; priority >= 0; priority--) {
      if (this.queues[priority]!.length > 0) return priority;
    }
    return -1;
  }

  suspects(): number {
    return this.alone.length;
  }
}
