import { useLayoutEffect, useRef, type ReactElement, type ReactNode } from "react";

/** Links to the parts of a page. Where they do not fit, the row moves sideways, and the chosen one is in sight. */
export function TabRow({ label, chosen, children }: { label: string; chosen: string; children: ReactNode }): ReactElement {
  const row = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const link = row.current?.querySelector<HTMLElement>("[aria-current]");
    if (row.current === null || link === null || link === undefined) return;
    row.current.scrollLeft = link.offsetLeft - (row.current.clientWidth - link.offsetWidth) / 2;
  }, [chosen]);
  return (
    <nav
      ref={row}
      aria-label={label}
      className="tab-row relative -mx-4 flex gap-1 overflow-x-auto border-b border-line px-4 [scrollbar-width:none] md:mx-0 md:px-0"
    >
      {children}
    </nav>
  );
}

/** How a link of the row looks. */
export function tabClass(isChosen: boolean): string {
  return `-mb-px inline-flex shrink-0 items-center gap-1.5 border-b-2 px-2.5 py-2 text-sm whitespace-nowrap ${
    isChosen ? "border-accent font-medium text-ink" : "border-transparent text-soft hover:text-ink"
  }`;
}
