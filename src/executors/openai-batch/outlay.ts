import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { NanoUsd } from "../../model/money.ts";
import { breathe, breatheDue } from "../handler/breather.ts";
import { attemptOfStray } from "./custom-id.ts";
import type { Desk } from "./desk.ts";

const MAX_ATTEMPTS = 10_000;
/** Attempts whose estimate is remembered; of others the input file is read again. */
const MAX_KNOWN = 10_000;

const sentLine = z.looseObject({ body: z.record(z.string(), z.unknown()) });

/** What a batch has upstream that its books do not show yet: nobody can take it back, so a budget has to keep room for it. */
export class Outlay {
  private readonly desk: Pick<Desk, "attempts" | "files" | "estimate">;
  private readonly known = new Map<string, NanoUsd>();

  constructor(desk: Pick<Desk, "attempts" | "files" | "estimate">) {
    this.desk = desk;
  }

  /** Of the open attempts of a batch, at most; null = it has none. */
  async ofBatch(tenant: string, batchId: string): Promise<NanoUsd | null> {
    const open = (await this.desk.attempts.ofBatch(tenant, batchId, MAX_ATTEMPTS)).filter(({ state }) => state !== "ingested");
    let sum: NanoUsd = 0;
    for (const { id, chunkId, provider } of open) sum += await this.ofAttempt(chunkId === null ? attemptOfStray(id) : id, provider);
    return open.length === 0 ? null : sum;
  }

  private async ofAttempt(id: string, provider: string): Promise<NanoUsd> {
    const before = this.known.get(id);
    if (before !== undefined) return before;
    let sum: NanoUsd = 0;
    if (await this.desk.files.has(id, "input")) {
      for await (const line of createInterface({ input: createReadStream(this.desk.files.path(id, "input")) })) {
        if (breatheDue(performance.now())) await breathe();
        sum += this.desk.estimate(provider, sentLine.parse(JSON.parse(line)).body).paid ?? 0;
      }
    }
    if (this.known.size >= MAX_KNOWN) this.known.clear();
    this.known.set(id, sum);
    return sum;
  }
}
