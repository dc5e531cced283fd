import { useState, type ReactElement } from "react";
import { Section } from "../../parts/section.tsx";
import { useAct } from "./act.ts";
import { acts, type Alerting } from "./queries.ts";

/** For how long an alert that comes back is not told again. */
export function Suppression({ settings }: { settings: Alerting["settings"] }): ReactElement {
  const act = useAct();
  const [minutes, setMinutes] = useState(String(settings.alertSuppression));
  return (
    <Section title="Coming back">
      <form
        className="flex flex-wrap items-center gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          void act("Saved", () => acts.change({ alertSuppression: Number(minutes) }));
        }}
      >
        <label htmlFor="suppression">An alert that comes back within</label>
        <input
          id="suppression"
          type="number"
          min={0}
          max={10_080}
          step={1}
          required
          className="field w-24!"
          value={minutes}
          onChange={(event) => setMinutes(event.target.value)}
        />
        <span>minutes of its end is not told again; 0 = it always is.</span>
        <button type="submit" className="button" disabled={minutes === String(settings.alertSuppression)}>
          Save
        </button>
      </form>
    </Section>
  );
}
