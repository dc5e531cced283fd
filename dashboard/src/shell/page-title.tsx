import { useEffect, type ReactElement, type ReactNode } from "react";

/** The heading of a page, and the name of its tab. */
export function PageTitle(props: { title: string; tab?: string; above?: ReactNode; below?: ReactNode; actions?: ReactNode }): ReactElement {
  const tab = props.tab ?? props.title;
  useEffect(() => {
    document.title = `${tab} · Batchyard`;
  }, [tab]);
  return (
    <div className="mb-7 flex flex-wrap items-end justify-between gap-x-6 gap-y-4">
      <div className="flex min-w-0 flex-col gap-1.5">
        {props.above}
        <h1 className="min-w-0 break-words">{props.title}</h1>
        {props.below === undefined ? null : <div className="text-soft">{props.below}</div>}
      </div>
      {props.actions === undefined ? null : <div className="flex flex-wrap items-center gap-2">{props.actions}</div>}
    </div>
  );
}
