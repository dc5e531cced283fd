import { useId, useState, type ReactElement } from "react";
import { useNavigate } from "@tanstack/react-router";
import { fieldTime, instantOf, zoneName } from "../../figures/time.ts";
import { type AuditSearch, OUTCOMES } from "./search.ts";

type Draft = Record<keyof AuditSearch, string>;

const KNOWN_ACTIONS = [
  "sign_in", "sign_in_link", "denied", "key_created", "key_revoked", "settings_changed", "audit_access", "server_started", "too_many_requests",
  "batch.cancel", "batch.priority", "batch.finish", "breaker.reset",
]; // prettier-ignore

/** Who, what, on which thing, with what outcome, when; takes effect on Enter or Filter. */
export function Filters({ search }: { search: AuditSearch }): ReactElement {
  const navigate = useNavigate();
  const [draft, setDraft] = useState(() => draftOf(search));
  const set = (name: keyof AuditSearch) => (value: string) => setDraft({ ...draft, [name]: value });
  const isNarrowed = Object.keys(search).length > 0;
  return (
    <form
      role="search"
      aria-label="Narrow the audit log"
      className="grid grid-cols-2 items-end gap-3 sm:grid-cols-3 lg:grid-cols-[1fr_1fr_1fr_9rem_12.5rem_12.5rem_auto]"
      onSubmit={(event) => {
        event.preventDefault();
        void navigate({ to: "/audit", search: searchOf(draft) });
      }}
    >
      <Field label="Who" placeholder="key:environment" value={draft.actor} onChange={set("actor")} />
      <Field label="What" placeholder="settings_changed" value={draft.action} onChange={set("action")} suggestions={KNOWN_ACTIONS} />
      <Field label="On what" placeholder="batch_…" value={draft.target} onChange={set("target")} />
      <label className="flex min-w-0 flex-col gap-1 text-sm text-soft">
        Outcome
        <select className="field" value={draft.outcome} onChange={(event) => set("outcome")(event.target.value)}>
          <option value="">any</option>
          {OUTCOMES.map((outcome) => (
            <option key={outcome} value={outcome}>
              {outcome.toLowerCase().replace("_", " ")}
            </option>
          ))}
        </select>
      </label>
      <Field label="From" type="datetime-local" value={draft.from} onChange={set("from")} />
      <Field label="Until" type="datetime-local" value={draft.to} onChange={set("to")} />
      <div className="flex gap-2">
        <button type="submit" className="button min-h-9!">
          Filter
        </button>
        {isNarrowed ? (
          <button type="button" className="button button-quiet min-h-9!" onClick={() => void navigate({ to: "/audit", search: {} })}>
            Show all
          </button>
        ) : null}
      </div>
    </form>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  type?: "text" | "datetime-local";
  suggestions?: readonly string[];
}

function Field({ label, value, onChange, placeholder, type = "text", suggestions }: FieldProps): ReactElement {
  const id = useId();
  return (
    <label className="flex min-w-0 flex-col gap-1 text-sm text-soft">
      {label}
      <input
        className="field min-w-0"
        type={type}
        value={value}
        {...(type === "datetime-local" ? { title: `In ${zoneName()}` } : { placeholder })}
        {...(suggestions === undefined ? {} : { list: id })}
        onChange={(event) => onChange(event.target.value)}
      />
      {suggestions === undefined ? null : (
        <datalist id={id}>
          {suggestions.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
    </label>
  );
}

function draftOf({ actor = "", action = "", target = "", outcome, from, to }: AuditSearch): Draft {
  return {
    actor,
    action,
    target,
    outcome: outcome ?? "",
    from: from === undefined ? "" : fieldTime(from),
    to: to === undefined ? "" : fieldTime(to),
  };
}

function searchOf({ from, to, ...texts }: Draft): AuditSearch {
  const whole = { ...texts, from: instantOf(from) ?? "", to: instantOf(to) ?? "" };
  return Object.fromEntries(Object.entries(whole).flatMap(([name, value]) => (value.trim() === "" ? [] : [[name, value.trim()]])));
}
