import type { Rig } from "./rig.ts";

/** One promise of src/store/port.ts. */
export interface Case {
  /** `section › what holds`: what a skip names. */
  name: string;
  run(rig: Rig): Promise<void>;
}

export function section(title: string, cases: Readonly<Record<string, (rig: Rig) => Promise<void>>>): Case[] {
  return Object.entries(cases).map(([name, run]) => ({ name: `${title} › ${name}`, run }));
}
