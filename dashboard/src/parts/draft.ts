import { useState } from "react";

/** What is typed into a field that stands for `value`: the reader's own until the value becomes another one. */
export function useDraft(value: string): [string, (typed: string) => void] {
  const [typed, type] = useState(value);
  const [known, setKnown] = useState(value);
  // While it is drawn, not in an effect: one that runs a moment later undoes what was typed meanwhile.
  if (known !== value) {
    setKnown(value);
    type(value);
  }
  return [typed, type];
}
