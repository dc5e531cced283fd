import { FINAL_OPENAI_STATES, OPENAI_STATES } from "../../../model/openai-moves.ts";

/** States of a table of ours as SQL names them behind IN; nothing a user wrote. */
export const inList = (states: readonly string[]): string => states.map((state) => `'${state}'`).join(", ");

export const FINAL_OPENAI = inList(FINAL_OPENAI_STATES);
export const OPEN_OPENAI = inList(OPENAI_STATES.filter((state) => !(FINAL_OPENAI_STATES as readonly string[]).includes(state)));
