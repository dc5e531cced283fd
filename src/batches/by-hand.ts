/** What items are failed with when somebody says that they shall not run. */
export interface HandFailure {
  error: string;
  code: string;
}

/** Open items of a batch that is finished. */
export function finishedByHand(reason: string): HandFailure {
  return { error: `Finished by hand: ${reason}`, code: "finished_by_hand" };
}

/** Items that failed and are not to be tried again. */
export function givenUpByHand(reason: string): HandFailure {
  return { error: `Given up by hand: ${reason}`, code: "given_up_by_hand" };
}
