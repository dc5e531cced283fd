import type { ReactElement, RefObject } from "react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { fieldTime, instantOf, zoneName } from "../../figures/time.ts";
import { useDraft } from "../../parts/draft.ts";
import { Icon } from "../../parts/icon.tsx";
import { isTime, type Kind, registryQuery } from "./queries.ts";
import type { EventsSearch } from "./search.ts";

/** What of the events is shown. Each choice stands in the address. */
export function Filters({ search, field }: { search: EventsSearch; field: RefObject<HTMLInputElement | null> }): ReactElement {
  const navigate = useNavigate();
  const { data: kinds } = useQuery(registryQuery);
  const [text, setText] = useDraft(search.q ?? "");
  const go = (change: { [K in keyof EventsSearch]?: EventsSearch[K] | undefined }): void => {
    const merged = Object.entries({ ...search, ...change }).filter(([, value]) => value !== undefined && value !== "");
    void navigate({ to: "/events", search: Object.fromEntries(merged) });
  };
  const chosen = search.types?.split(",") ?? [];
  const toggle = (type: string): void => {
    const next = chosen.includes(type) ? chosen.filter((each) => each !== type) : [...chosen, type];
    go({ types: next.length === 0 ? undefined : next.join(",") });
  };
  return (
    <div className="flex flex-col gap-3">
      <div className="grid gap-3 sm:grid-cols-[minmax(0,1fr)_auto] lg:grid-cols-[minmax(0,1fr)_auto_auto]">
        <form
          role="search"
          className="relative flex items-center"
          onSubmit={(event) => {
            event.preventDefault();
            go({ q: text.trim() });
          }}
        >
          <Icon name="search" className="pointer-events-none absolute left-3 text-soft" />
          <input
            ref={field}
            type="search"
            aria-label="Text in the events"
            className="field pl-9!"
            placeholder="Text in the events: an id, a name, an error"
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              if (event.target.value === "") go({ q: undefined });
            }}
            onKeyDown={(event) => {
              if (event.key === "Escape") event.currentTarget.blur();
            }}
          />
        </form>
        <label className="flex items-center gap-2 text-sm text-soft">
          From severity
          <select
            className="field w-auto!"
            value={search.severity ?? "info"}
            onChange={(event) =>
              go({ severity: event.target.value === "info" ? undefined : (event.target.value as "warning" | "critical") })
            }
          >
            <option value="info">info</option>
            <option value="warning">warning</option>
            <option value="critical">critical</option>
          </select>
        </label>
        <JumpTo at={search.at} onJump={(at) => go({ at })} />
      </div>
      <div role="group" aria-label="Types of events" className="flex flex-wrap gap-1.5">
        <Chip label="All types" pressed={chosen.length === 0} onPress={() => go({ types: undefined })} />
        {[...nounsOf(kinds ?? []), ...chosen.filter((type) => !type.endsWith(".*"))].map((type) => (
          <Chip key={type} label={type.replace(".*", "")} pressed={chosen.includes(type)} onPress={() => toggle(type)} />
        ))}
      </div>
    </div>
  );
}

function Chip({ label, pressed, onPress }: { label: string; pressed: boolean; onPress: () => void }): ReactElement {
  return (
    <button
      type="button"
      aria-pressed={pressed}
      className={`rounded-full border px-2.5 py-0.5 text-sm ${pressed ? "border-accent text-accent" : "border-line text-soft hover:border-edge hover:text-ink"}`}
      onClick={onPress}
    >
      {label}
    </button>
  );
}

function JumpTo({ at, onJump }: { at: string | undefined; onJump: (at: string) => void }): ReactElement {
  const [field, setField] = useDraft(at !== undefined && isTime(at) && !Number.isNaN(Date.parse(at)) ? fieldTime(at) : "");
  const instant = instantOf(field);
  return (
    <form
      aria-label="Jump to a time"
      className="flex items-center gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (instant !== null) onJump(instant);
      }}
    >
      <input
        type="datetime-local"
        step={1}
        aria-label={`Time to jump to, in ${zoneName()}`}
        title={`In ${zoneName()}`}
        className="field min-w-0"
        value={field}
        onChange={(event) => setField(event.target.value)}
      />
      <button type="submit" className="button min-h-9!" disabled={instant === null}>
        <Icon name="history" /> Jump
      </button>
    </form>
  );
}

/** What the log holds, by noun; gauges are not in it. */
export function nounsOf(kinds: readonly Kind[]): string[] {
  return [...new Set(kinds.map(({ type }) => `${type.slice(0, type.indexOf("."))}.*`))].filter(
    (noun) => noun !== "queue.*" && noun !== "pipeline.*",
  );
}
