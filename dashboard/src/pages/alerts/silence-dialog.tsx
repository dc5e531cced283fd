import { useState, type ReactElement } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { duration } from "../../figures/duration.ts";
import { FormDialog } from "../../parts/form-dialog.tsx";
import { toast } from "../../parts/toast.ts";
import { aboutOf } from "./look.ts";
import { acts, type Rule } from "./queries.ts";

const MINUTES = [15, 60, 240, 1_440, 10_080] as const;

interface SilenceDialogProps {
  rules: readonly Rule[];
  /** What it is filled in with; "" = every rule, everything. */
  rule: string;
  instance: string;
  onClose: () => void;
}

/** Tell nobody of a rule or a thing for a time. */
export function SilenceDialog({ rules, rule: first, instance: about, onClose }: SilenceDialogProps): ReactElement {
  const cache = useQueryClient();
  const [rule, setRule] = useState(first);
  const [instance, setInstance] = useState(about);
  const [minutes, setMinutes] = useState<number>(60);
  const [comment, setComment] = useState("");

  async function send(): Promise<void> {
    await acts.silence({
      minutes,
      ...(rule === "" ? {} : { rule }),
      ...(instance === "" ? {} : { instance: instance.trim() }),
      ...(comment.trim() === "" ? {} : { comment: comment.trim() }),
    });
    toast(`Silenced for ${duration(minutes * 60_000)}`);
    await cache.invalidateQueries({ queryKey: ["alerts"] });
  }
  return (
    <FormDialog
      title="Silence"
      refuse="Do not silence"
      submit={`Silence for ${duration(minutes * 60_000)}`}
      onSubmit={send}
      onClose={onClose}
    >
      <p className="text-soft">Nobody is told meanwhile; what still fires at its end is told then.</p>
      <label className="flex flex-col gap-1 text-sm font-medium">
        Rule
        <select className="field font-normal" value={rule} onChange={(event) => setRule(event.target.value)}>
          <option value="">Every rule</option>
          {rules.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label className="flex flex-col gap-1 text-sm font-medium">
        About
        <input
          className="field font-normal"
          value={instance}
          placeholder="everything; or operation:import, stream:detections"
          onChange={(event) => setInstance(event.target.value)}
        />
        <span className="text-xs font-normal text-soft">
          {instance === "" ? "Everything the rule looks at" : `Only ${aboutOf(instance).name}`}
        </span>
      </label>
      <fieldset className="flex flex-col gap-2">
        <legend className="mb-1 text-sm font-medium">For</legend>
        <span className="flex flex-wrap gap-2">
          {MINUTES.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={minutes === each}
              className={`button ${minutes === each ? "border-accent! text-accent!" : ""}`}
              onClick={() => setMinutes(each)}
            >
              {duration(each * 60_000)}
            </button>
          ))}
          <label className="flex items-center gap-2 text-sm text-soft">
            <input
              type="number"
              min={1}
              max={525_600}
              required
              aria-label="Minutes"
              className="field w-24!"
              value={minutes}
              onChange={(event) => setMinutes(Math.max(1, Math.trunc(event.target.valueAsNumber || 1)))}
            />
            minutes
          </label>
        </span>
      </fieldset>
      <label className="flex flex-col gap-1 text-sm font-medium">
        <span>
          Why <span className="font-normal text-soft">optional</span>
        </span>
        <input className="field font-normal" value={comment} maxLength={1_000} onChange={(event) => setComment(event.target.value)} />
      </label>
    </FormDialog>
  );
}
