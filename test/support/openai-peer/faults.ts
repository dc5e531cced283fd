import { seeded } from "../random.ts";

/** What a client can ask of the peer, as the schedule and the record name it. */
export const CALLS = [
  "files.create",
  "files.retrieve",
  "files.content",
  "files.delete",
  "files.list",
  "batches.create",
  "batches.retrieve",
  "batches.list",
  "batches.cancel",
  "chat.completions",
  "responses",
  "embeddings",
  "completions",
  "models",
] as const;
export type Call = (typeof CALLS)[number];

/** Which of the calls, uploads or created batches a fault meets; without any of these, every one. */
export interface Aim {
  /** These only, counted from 1. */
  at?: readonly number[];
  /** Each with this chance, 0 … 1, drawn from the seed of the schedule. */
  chance?: number;
  /** At most so many in all. */
  times?: number;
}

/** What goes wrong with one call. `acted` = the peer has done what was asked, only the answer is bad. */
export type CallFault = Aim & { on: Call } & (
    | { fault: "throw" } // the connection breaks before anything is done
    | { fault: "lose-reply" } // it breaks after everything is done
    | { fault: "answer"; status: number; code?: string; message?: string; retryAfter?: number; acted?: boolean }
    | { fault: "slow"; ms: number }
    | { fault: "hold"; acted?: boolean } // no answer before `release()`
    | { fault: "cut"; share: number; how: "short" | "reset" } // files.content: this share of the bytes, then a clean end or a reset
    | { fault: "down"; how: "refused" | "503"; ms?: number } // from this call on, which gets no answer; without ms until `up()`
  );

/** A file that cannot be made a batch of at first: 400 "Cannot find file" for so many creates, or so long after its upload. */
export type FileFault = Aim & { fault: "file-late"; tries?: number; ms?: number };

/** What goes wrong with one batch: drawn when it is created, counted when it shows. Shares are 0 … 1 of the lines. */
export type BatchFault = Aim &
  (
    | { fault: "list-late"; lists?: number; ms?: number } // in no list before so many lists were asked, or so long
    | { fault: "fail"; code: string; message: string } // the validation fails with this
    | { fault: "expire"; share: number } // after this share was done
    | { fault: "cancel-slow"; steps: number } // stays `cancelling` so long and goes on with its lines
    | { fault: "fail-lines"; share: number; status: number; code?: string } // share 1: completed, with no output file
    | { fault: "shuffle" }
    | { fault: "repeat"; share: number }
    | { fault: "drop-lines"; share: number } // executed and billed, but in no file
    | { fault: "drop-ids"; share: number } // the line is there, its custom_id is not
    | { fault: "invent-ids"; lines: number } // lines that nobody asked for
    | { fault: "counters"; total?: number; completed?: number; failed?: number }
    | { fault: "output-late"; polls: number } // no output and error ids for so many polls after the end
    | { fault: "vanish"; after: number; polls?: number } // 404 after so many polls, for so many (without: for ever), and in no list
    | { fault: "forgotten-at-end" } // 404 from the first retrieve after one that showed its end, and in no list; its files stay
    | { fault: "forget-metadata" } // shown without what it was created with
    | { fault: "status"; as: string; instead: string } // a status nobody has heard of
    | { fault: "upper-case" }
  );

export interface FaultSchedule {
  /** For chances, shares and shuffles; 1 if not given. */
  seed?: number;
  calls?: readonly CallFault[];
  files?: readonly FileFault[];
  batches?: readonly BatchFault[];
}

type FaultName = CallFault["fault"] | FileFault["fault"] | BatchFault["fault"];

/** Faults after which a line that was executed can no longer be fetched: a client cannot be asked to have it. */
export const LOSING = ["vanish", "drop-lines", "drop-ids"] as const satisfies readonly FaultName[];

/** Decides which faults meet what comes, and counts those that showed. */
export class Faults {
  /** By fault, and for answers by `answer 429`. */
  readonly fired: Record<string, number> = {};
  private schedule: FaultSchedule = {};
  private aims = new Map<Aim, { seen: number; met: number }>();
  random: () => number = seeded(1);

  set(schedule: FaultSchedule): void {
    this.schedule = schedule;
    this.aims = new Map();
    this.random = seeded(schedule.seed ?? 1);
  }

  ofCall(call: Call): CallFault[] {
    return (this.schedule.calls ?? []).filter((fault) => fault.on === call && this.meets(fault));
  }

  ofFile(): FileFault | undefined {
    return (this.schedule.files ?? []).filter((fault) => this.meets(fault))[0];
  }

  ofBatch(): BatchFault[] {
    return (this.schedule.batches ?? []).filter((fault) => this.meets(fault));
  }

  count(fault: string): void {
    this.fired[fault] = (this.fired[fault] ?? 0) + 1;
  }

  private meets(aim: Aim): boolean {
    const state = this.aims.get(aim) ?? { seen: 0, met: 0 };
    this.aims.set(aim, state);
    state.seen += 1;
    if (aim.at !== undefined && !aim.at.includes(state.seen)) return false;
    if (aim.times !== undefined && state.met >= aim.times) return false;
    if (aim.chance !== undefined && this.random() >= aim.chance) return false;
    state.met += 1;
    return true;
  }
}

/**
 * A schedule of three to nine faults drawn from the seed; the same seed gives the same. Every fault ends by itself, after a
 * few times or within `ms` of a few milliseconds, so that a client that goes on trying gets through. `without` leaves kinds
 * out, such as LOSING where every finished line has to arrive.
 */
export function randomFaults(seed: number, { without = [] }: { without?: readonly FaultName[] } = {}): FaultSchedule {
  const random = seeded(seed);
  const upTo = (most: number): number => 1 + Math.floor(random() * most);
  const one = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const rare = (): { chance: number; times: number } => ({ chance: 0.2 + random() * 0.6, times: upTo(3) });
  const online = ["chat.completions", "responses", "embeddings", "completions"] as const;
  const batchCalls = ["files.create", "batches.create", "batches.retrieve", "batches.list", "batches.cancel", "files.content"] as const;
  const call = (): Call => (random() < 0.2 ? one(online) : one(batchCalls));
  const calls: readonly (() => CallFault)[] = [
    () => ({ on: "batches.create", fault: "lose-reply", ...rare() }),
    () => ({ on: call(), fault: "lose-reply", ...rare() }),
    () => ({ on: call(), fault: "throw", ...rare() }),
    () => ({ on: call(), fault: "answer", status: 429, ...(random() < 0.5 ? { retryAfter: 0 } : {}), ...rare() }),
    () => ({ on: call(), fault: "answer", status: one([500, 502, 503]), acted: random() < 0.5, ...rare() }),
    () => ({ on: "batches.create", fault: "answer", status: 409, acted: random() < 0.5, ...rare() }),
    () => ({ on: call(), fault: "slow", ms: upTo(20), ...rare() }),
    () => ({ on: "files.content", fault: "cut", share: random(), how: one(["short", "reset"]), ...rare() }),
    () => ({ on: call(), fault: "down", how: one(["refused", "503"]), ms: upTo(50), at: [upTo(4)] }),
  ];
  const batches: readonly (() => BatchFault)[] = [
    () => ({ fault: "list-late", lists: upTo(3), ...rare() }),
    () => ({ fault: "expire", share: random(), ...rare() }),
    () => ({ fault: "cancel-slow", steps: upTo(4), ...rare() }),
    () => ({ fault: "fail-lines", share: one([1, random()]), status: one([429, 500, 503]), ...rare() }),
    () => ({ fault: "shuffle" }),
    () => ({ fault: "repeat", share: random(), ...rare() }),
    () => ({ fault: "drop-lines", share: random(), ...rare() }),
    () => ({ fault: "drop-ids", share: random(), ...rare() }),
    () => ({ fault: "invent-ids", lines: upTo(3), ...rare() }),
    () => ({ fault: "counters", completed: upTo(9), failed: upTo(9), ...rare() }),
    () => ({ fault: "output-late", polls: upTo(2), ...rare() }),
    () => ({ fault: "vanish", after: upTo(3), ...(random() < 0.7 ? { polls: upTo(2) } : {}), ...rare() }),
    () => ({ fault: "status", as: "queued", instead: one(["validating", "in_progress", "finalizing"]), ...rare() }),
    () => ({ fault: "upper-case", ...rare() }),
  ];
  const files = [(): FileFault => ({ fault: "file-late", tries: upTo(2), ...rare() })];
  const allowed = ({ fault }: { fault: FaultName }): boolean => !without.includes(fault);
  const draw = <T extends { fault: FaultName }>(from: readonly (() => T)[], least: number, most: number): T[] =>
    Array.from({ length: least - 1 + upTo(most - least + 1) }, () => one(from)()).filter(allowed);
  return { seed, calls: draw(calls, 1, 4), files: draw(files, 1, 1).filter(() => random() < 0.3), batches: draw(batches, 2, 5) };
}
