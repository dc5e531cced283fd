import { useDeferredValue, useEffect, useId, useState, type ReactElement, type ReactNode } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { duration } from "../../figures/duration.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Fault } from "../../parts/notice.tsx";
import { toast } from "../../parts/toast.ts";
import { breachWord, SEVERITIES, SEVERITY_LOOK } from "./look.ts";
import { acts, type Channel, type Rule, type RuleDraft } from "./queries.ts";
import { RulePreview } from "./rule-preview.tsx";
import { draftOf } from "./rule-table.tsx";

interface RuleEditorProps {
  rules: readonly Rule[];
  channels: readonly Channel[];
  /** The rule that is changed; undefined: a new one of this kind, about this. */
  rule: Rule | undefined;
  kind: string | undefined;
  instance: string | undefined;
  onClose: () => void;
}

// What is typed is tried when it has stood so long: a request for each letter would meet the limit of 60 a minute.
const STANDS_MS = 700;
const FREQUENCIES = { immediate: "at once", hourly: "once an hour, together", daily: "once a day, together" } as const;

/** A rule, and what it would have done. */
export function RuleEditor({ rules, channels, rule, kind, instance, onClose }: RuleEditorProps): ReactElement {
  const cache = useQueryClient();
  const form = useId();
  const ready = rules.filter((each) => each.name === each.kind);
  const [draft, setDraft] = useState<RuleDraft>(() => {
    if (rule !== undefined) return draftOf(rule);
    const first = ready.find((each) => each.kind === kind) ?? ready[0]!;
    const about = instance === undefined ? null : [instance];
    return { name: "", kind: first.kind, instances: about, channels: null };
  });
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<RuleDraft>): void => setDraft((known) => ({ ...known, ...part }));
  const model = ready.find((each) => each.kind === draft.kind) ?? ready[0]!;
  const tried = useStanding({ ...draft, name: draft.name === "" ? "new" : draft.name });

  async function act(done: string, run: () => Promise<unknown>): Promise<void> {
    setBusy(true);
    try {
      await run();
      toast(done);
      await cache.invalidateQueries({ queryKey: ["alerts"] });
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }
  return (
    <Dialog
      title={rule === undefined ? "New rule" : rule.name}
      onClose={onClose}
      wide
      footer={
        <>
          {rule?.changed === true ? (
            <button
              type="button"
              className="button button-danger mr-auto"
              disabled={busy}
              onClick={() =>
                void act(rule.name === rule.kind ? `${rule.name} is as it was at first` : `${rule.name} is gone`, () =>
                  acts.removeRule(rule.name),
                )
              }
            >
              {rule.name === rule.kind ? "Back to its first values" : "Remove"}
            </button>
          ) : null}
          <button type="button" className="button" onClick={onClose}>
            Leave as it is
          </button>
          <button type="submit" form={form} className="button button-main" disabled={busy}>
            Save
          </button>
        </>
      }
    >
      <div className="grid gap-x-8 gap-y-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <form
          id={form}
          className="grid content-start gap-x-6 gap-y-4 sm:grid-cols-2"
          onSubmit={(event) => {
            event.preventDefault();
            void act(`${draft.name} is saved`, () => acts.saveRule(draft));
          }}
        >
          {rule === undefined ? (
            <>
              <Labelled label="Name">
                <input
                  className="field font-normal"
                  value={draft.name}
                  required
                  pattern="[A-Za-z][A-Za-z0-9_.\-]{0,99}"
                  title="1 to 100 letters, digits, '_', '-' or '.', beginning with a letter"
                  onChange={(event) => change({ name: event.target.value })}
                />
              </Labelled>
              <Labelled label="Looks at">
                <select
                  className="field font-normal"
                  value={draft.kind}
                  onChange={(event) => change({ kind: event.target.value as RuleDraft["kind"], threshold: null })}
                >
                  {ready.map((each) => (
                    <option key={each.kind}>{each.kind}</option>
                  ))}
                </select>
              </Labelled>
            </>
          ) : null}
          <p className="text-sm text-soft sm:col-span-2">It looks at {model.measures}.</p>
          <Labelled
            label={`Fires at ${breachWord(model.breach)}`}
            hint={typeof draft.threshold === "number" && model.unit === "ms" ? `${model.unit}: ${duration(draft.threshold)}` : model.unit}
          >
            <input
              type="number"
              step="any"
              className="field font-normal"
              value={draft.threshold ?? ""}
              placeholder={rule?.thresholdFrom === "settings" || rule === undefined ? `as usual: ${model.threshold}` : "as usual"}
              onChange={(event) => change({ threshold: Number.isNaN(event.target.valueAsNumber) ? null : event.target.valueAsNumber })}
            />
          </Labelled>
          <Labelled label="Severity">
            <select
              className="field font-normal"
              value={draft.severity ?? model.severity}
              onChange={(event) => change({ severity: event.target.value as Rule["severity"] })}
            >
              {SEVERITIES.map((severity) => (
                <option key={severity} value={severity}>
                  {SEVERITY_LOOK[severity].word}
                </option>
              ))}
            </select>
          </Labelled>
          <Seconds label="Must be met for" value={draft.forSeconds ?? model.forSeconds} onChange={(forSeconds) => change({ forSeconds })} />
          <Seconds
            label="Must be over for"
            value={draft.keepSeconds ?? model.keepSeconds}
            onChange={(keepSeconds) => change({ keepSeconds })}
          />
          <Labelled label="Told">
            <select
              className="field font-normal"
              value={draft.frequency ?? model.frequency}
              onChange={(event) => change({ frequency: event.target.value as Rule["frequency"] })}
            >
              {Object.entries(FREQUENCIES).map(([frequency, label]) => (
                <option key={frequency} value={frequency}>
                  {label}
                </option>
              ))}
            </select>
          </Labelled>
          <Labelled label="Only about" hint="Such as operation:import, stream:detections; several with commas between; empty = everything">
            <input
              className="field font-normal"
              value={draft.instances?.join(", ") ?? ""}
              placeholder="everything"
              onChange={(event) => {
                const given = event.target.value.split(",").map((each) => each.trimStart());
                change({ instances: event.target.value.trim() === "" ? null : given });
              }}
            />
          </Labelled>
          <Told channels={channels} chosen={draft.channels ?? null} onChange={(chosen) => change({ channels: chosen })} />
          <label className="flex items-center gap-2 text-sm font-medium sm:col-span-2">
            <input
              type="checkbox"
              className="size-4 accent-accent"
              checked={draft.enabled ?? model.enabled}
              onChange={(event) => change({ enabled: event.target.checked })}
            />
            The rule is on
          </label>
        </form>
        <RulePreview draft={tried} unit={model.unit} />
        {error === null ? null : (
          <div className="lg:col-span-2">
            <Fault error={error} />
          </div>
        )}
      </div>
    </Dialog>
  );
}

function Labelled({ label, hint, children }: { label: string; hint?: string; children: ReactNode }): ReactElement {
  return (
    <label className="flex flex-col gap-1 text-sm font-medium">
      {label}
      {children}
      {hint === undefined ? null : <span className="text-xs font-normal text-soft">{hint}</span>}
    </label>
  );
}

function Seconds({ label, value, onChange }: { label: string; value: number; onChange: (seconds: number) => void }): ReactElement {
  return (
    <Labelled label={label} hint={value === 0 ? "seconds; 0 = at once" : `seconds: ${duration(value * 1000)}`}>
      <input
        type="number"
        min={0}
        max={86_400}
        required
        className="field font-normal"
        value={value}
        onChange={(event) => onChange(Math.max(0, Math.trunc(event.target.valueAsNumber || 0)))}
      />
    </Labelled>
  );
}

interface ToldProps {
  channels: readonly Channel[];
  /** Null = the default channels. */
  chosen: readonly string[] | null;
  onChange: (chosen: string[] | null) => void;
}

function Told({ channels, chosen, onChange }: ToldProps): ReactElement {
  return (
    <fieldset className="flex flex-wrap items-center gap-x-4 gap-y-2 text-sm sm:col-span-2">
      <legend className="mb-1 font-medium">Through</legend>
      <label className="inline-flex items-center gap-2">
        <input
          type="checkbox"
          className="size-4 accent-accent"
          checked={chosen === null}
          onChange={(event) => onChange(event.target.checked ? null : [])}
        />
        the default channels
      </label>
      {channels.map(({ name }) => (
        <label key={name} className="inline-flex items-center gap-2">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            checked={chosen?.includes(name) ?? false}
            onChange={(event) => {
              const others = (chosen ?? []).filter((each) => each !== name);
              onChange(event.target.checked ? [...others, name] : others);
            }}
          />
          {name}
        </label>
      ))}
      {chosen?.length === 0 ? <span className="text-warn">Nobody is told.</span> : null}
    </fieldset>
  );
}

/** The draft as it was when it last stood still. */
function useStanding(draft: RuleDraft): RuleDraft {
  const text = useDeferredValue(JSON.stringify(draft));
  const [standing, set] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => set(text), STANDS_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return JSON.parse(standing) as RuleDraft;
}
