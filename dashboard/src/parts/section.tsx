import { useId, useRef, type ReactElement, type ReactNode } from "react";
import { useStacking } from "./stacking.ts";

/** A part of a page under its heading, parted from the one before by a hairline. */
export function Section(props: { title: string; aside?: ReactNode; children: ReactNode; className?: string }): ReactElement {
  const id = useId();
  return (
    <section
      aria-labelledby={id}
      className={`flex min-w-0 flex-col gap-4 border-t border-line pt-5 [.figures+&]:border-t-0 [.figures+&]:pt-0 ${props.className ?? ""}`}
    >
      <header className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <h2 id={id}>{props.title}</h2>
        {props.aside === undefined ? null : <div className="text-sm text-soft">{props.aside}</div>}
      </header>
      {props.children}
    </section>
  );
}

/**
 * Room for a table. One that does not fit becomes a list of its rows; one that is read across (`sideways`) moves by itself, with
 * the keyboard too. The page never does.
 */
export function Wide(props: { label: string; sideways?: boolean; children: ReactNode }): ReactElement {
  const { label, sideways = false, children } = props;
  const room = useRef<HTMLDivElement>(null);
  useStacking(room, !sideways);
  return (
    <div ref={room} role="group" aria-label={label} tabIndex={0} className="wide relative -mx-1 overflow-x-auto px-1">
      {children}
    </div>
  );
}

/** Headings of columns of numbers. */
export function NumberHeads({ names }: { names: readonly string[] }): ReactElement {
  return (
    <>
      {names.map((name) => (
        <th key={name} scope="col" className="number">
          {name}
        </th>
      ))}
    </>
  );
}
