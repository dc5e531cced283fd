import { useState, type ReactElement } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { FormDialog } from "../../parts/form-dialog.tsx";
import { toast } from "../../parts/toast.ts";
import { acts, type Group } from "./queries.ts";

const DAY_MINUTES = 1_440;
/** Null = until somebody ends it. */
const LENGTHS: readonly { minutes: number | null; word: string }[] = [
  { minutes: DAY_MINUTES, word: "1 day" },
  { minutes: 7 * DAY_MINUTES, word: "1 week" },
  { minutes: 30 * DAY_MINUTES, word: "30 days" },
  { minutes: null, word: "Forever" },
];

/** Nobody wants to hear of this kind of failure for a time. */
export function MuteDialog({ group, onClose }: { group: Group; onClose: () => void }): ReactElement {
  const cache = useQueryClient();
  const [minutes, setMinutes] = useState<number | null>(7 * DAY_MINUTES);
  const [untilChange, setUntilChange] = useState(true);
  const [reason, setReason] = useState("");

  async function mute(): Promise<void> {
    await acts.mute(group.fingerprint, { reason: reason.trim(), untilChange, ...(minutes === null ? {} : { minutes }) });
    toast("The kind of failure is muted");
    await cache.invalidateQueries({ queryKey: ["failures"] });
  }
  return (
    <FormDialog title="Mute this kind of failure" refuse="Do not mute" submit="Mute" onSubmit={mute} onClose={onClose}>
      <p className="line-clamp-3 break-words text-soft">{group.error}</p>
      <p className="text-sm text-soft">
        It moves to the list of muted kinds, and alerts on new kinds of errors leave it out. Its items still count as failed.
      </p>
      <fieldset className="flex flex-col gap-2">
        <legend className="mb-1 text-sm font-medium">For</legend>
        <span className="flex flex-wrap gap-2">
          {LENGTHS.map((each) => (
            <button
              key={each.word}
              type="button"
              aria-pressed={minutes === each.minutes}
              className={`button ${minutes === each.minutes ? "border-accent! text-accent!" : ""}`}
              onClick={() => setMinutes(each.minutes)}
            >
              {each.word}
            </button>
          ))}
        </span>
      </fieldset>
      <label className="flex items-start gap-2 text-sm">
        <input type="checkbox" className="mt-1" checked={untilChange} onChange={(event) => setUntilChange(event.target.checked)} />
        <span>
          Only until it turns up in another operation
          <span className="block text-xs text-soft">
            So far in {group.operations.map(({ name }) => name).join(", ")}. An error of other words is another kind and never muted.
          </span>
        </span>
      </label>
      <label className="flex flex-col gap-1 text-sm font-medium">
        Why
        <input
          className="field font-normal"
          value={reason}
          required
          maxLength={1_000}
          pattern=".*\S.*"
          placeholder="known, fixed with the next feed"
          onChange={(event) => setReason(event.target.value)}
        />
      </label>
    </FormDialog>
  );
}
