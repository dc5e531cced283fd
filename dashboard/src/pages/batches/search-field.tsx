import { useId, type ReactElement, type ReactNode, type RefObject } from "react";
import { useQuery } from "@tanstack/react-query";
import { QUALIFIERS } from "batchyard/client";
import { operationsQuery } from "../../data/queries.ts";
import { useDraft } from "../../parts/draft.ts";
import { Icon } from "../../parts/icon.tsx";
import { suggestions } from "./suggestions.ts";

interface SearchFieldProps {
  ref: RefObject<HTMLInputElement | null>;
  value: string;
  /** Parts that mean nothing. */
  unknown: readonly string[];
  onSearch: (text: string) => void;
  beside: ReactNode;
}

/** Qualifiers and words; what is typed takes effect on Enter. */
export function SearchField({ ref, value, unknown, onSearch, beside }: SearchFieldProps): ReactElement {
  const [text, setText] = useDraft(value);
  const hint = useId();
  const list = useId();
  const operations = useQuery({ ...operationsQuery, enabled: text.includes("op:") });
  return (
    <form
      role="search"
      className="flex flex-col gap-1.5"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(text.trim());
      }}
    >
      <div className="flex flex-wrap gap-2">
        <div className="relative flex min-w-60 flex-1 items-center">
          <Icon name="search" className="pointer-events-none absolute left-3 text-soft" />
          <input
            ref={ref}
            type="search"
            aria-label="Search batches"
            aria-describedby={hint}
            list={list}
            aria-invalid={unknown.length > 0}
            className="field pl-9!"
            placeholder="Name, or qualifiers such as op:transform age<2h"
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") event.currentTarget.blur();
            }}
          />
          <datalist id={list}>
            {suggestions(text, operations.data?.operations.map(({ name }) => name) ?? []).map((each) => (
              <option key={each} value={each} />
            ))}
          </datalist>
        </div>
        {beside}
      </div>
      <p
        id={hint}
        className="flex items-center gap-x-2 gap-y-1 text-sm text-soft max-sm:-mx-4 max-sm:overflow-x-auto max-sm:px-4 max-sm:[scrollbar-width:none] sm:flex-wrap"
      >
        {unknown.length > 0 ? (
          <span className="inline-flex shrink-0 items-center gap-1.5 text-bad">
            <Icon name="cross" /> Not understood: {unknown.join(" ")}
          </span>
        ) : null}
        {QUALIFIERS.map((name) => (
          <button
            key={name}
            type="button"
            className="min-h-6 shrink-0 rounded-sm px-1 font-mono text-xs text-soft hover:bg-wash hover:text-ink"
            onClick={() => {
              setText(`${text.trimEnd()} ${name}`.trimStart());
              ref.current?.focus();
            }}
          >
            {name}
          </button>
        ))}
      </p>
    </form>
  );
}
