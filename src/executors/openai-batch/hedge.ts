import type { Clock } from "../../model/clock.ts";
import type { ChunkWork, Executor, Outcome, RunControl } from "../port.ts";

/** How often it is asked whether the upstream batch has ended meanwhile. */
const LOOK_MS = 1000;

/** When what is open of this chunk is to be asked for online; null = never, or the deadline was lifted. */
export function hedgeAt({ deadlineAt, runOptions }: Pick<ChunkWork, "deadlineAt" | "runOptions">): number | null {
  const { hedgeMs } = runOptions;
  return deadlineAt === null || hedgeMs === undefined ? null : deadlineAt - hedgeMs;
}

export interface Hedge {
  clock: Clock;
  online: Executor;
  /** Have the results of the upstream batch come? */
  collected(): Promise<boolean>;
}

/**
 * Asks online for items that are also in an upstream batch. The first success of an item is its result. What fails online is left to
 * the upstream batch, but paid for. Nothing more is started once the upstream batch has come. Returns until when the rest may be put
 * off because the provider takes nothing now; null = nobody said so.
 */
export async function askOnline({ clock, online, collected }: Hedge, work: ChunkWork, control: RunControl): Promise<number | null> {
  let has = false;
  let until: number | null = null;
  let over = false;
  let cancel = (): void => {};
  const look = (): void => {
    cancel = clock.after(LOOK_MS, () => {
      collected().then(
        (yes) => {
          has ||= yes;
          if (!has && !over) look();
        },
        () => {
          if (!over) look();
        },
      );
    });
  };
  look();
  const race: RunControl = {
    get signal() {
      return control.signal;
    },
    get stopping() {
      return has || control.stopping;
    },
    settle: (index, outcome) => (outcome.ok ? control.settle(index, outcome) : payOnly(work, control, index, outcome)),
    spent: (spend) => control.spent(spend),
    afford: (requests) => control.afford(requests),
    admit: () => control.admit(),
    defer: (at) => void (until = at),
    split: (groups) => control.split(groups),
  };
  try {
    await online.run(work, race);
  } finally {
    over = true;
    cancel();
  }
  return until;
}

/** Books what an answer cost that settles nothing. */
export function payOnly({ items }: ChunkWork, control: RunControl, index: number, { spend }: Outcome): void {
  if (spend !== undefined) control.spent({ ...spend, customId: spend.customId ?? items[index]!.key });
}
