import { planRequests, requestsOf, type PlanRules } from "../../executors/openai-batch/request-plan.ts";
import { parseLines } from "../../model/item.ts";
import { toUsd, type NanoUsd } from "../../model/money.ts";
import type { Operation } from "../../operations/operation.ts";
import type { NewChunk } from "../../store/port.ts";

/** What a batch would be upstream. */
export interface UpstreamEstimate {
  /** Upstream batches it becomes. */
  batches: number;
  promptTokens: number;
  /** US dollars if every answer is as long as it may be; null = a model has no known price. */
  estimatedUsd: number | null;
}

/** Of one request, at the provider's batch price. */
export type EstimateRequest = (provider: string, body: Record<string, unknown>) => { promptTokens: number; paid: NanoUsd | null };

/** Adds up chunks as they are cut; nothing is kept of them. */
export class UpstreamSum {
  private readonly parts: { operation: Operation; options: unknown; rules: PlanRules; estimate: EstimateRequest };
  private batches = 0;
  private promptTokens = 0;
  private paid: NanoUsd | null = 0;

  constructor(parts: { operation: Operation; options: unknown; rules: PlanRules; estimate: EstimateRequest }) {
    this.parts = parts;
  }

  async add(chunk: NewChunk): Promise<void> {
    const { operation, options, rules, estimate } = this.parts;
    const payloads = parseLines(chunk.body);
    const items = chunk.keys.map((key, index) => ({ key, payload: payloads[index] }));
    const plan = await planRequests({ chunkId: 1, operation, options, items, places: items.map((_, index) => index) }, rules);
    this.batches += plan.files.length;
    for (const { provider, indexes } of plan.files) {
      for (const index of indexes) {
        const { promptTokens, paid } = estimate(provider.name, requestsOf({ operation }).requestOf(items[index]!, options).body);
        this.promptTokens += promptTokens;
        this.paid = this.paid === null || paid === null ? null : this.paid + paid;
      }
    }
  }

  get sum(): UpstreamEstimate {
    return { batches: this.batches, promptTokens: this.promptTokens, estimatedUsd: this.paid === null ? null : toUsd(this.paid) };
  }
}
