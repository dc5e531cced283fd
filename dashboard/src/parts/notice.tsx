import type { ReactElement, ReactNode } from "react";
import { ClientError } from "batchyard/client";
import { Icon } from "./icon.tsx";

/** What went wrong and what can be done, in the server's words. */
export function Fault({ error, retry }: { error: unknown; retry?: () => void }): ReactElement {
  return (
    <div role="alert" className="flex flex-wrap items-start gap-x-3 gap-y-2 border-l-2 border-bad py-1 pl-3 text-sm">
      <span className="flex min-w-0 flex-1 flex-col gap-1">
        <span className="inline-flex items-center gap-1.5 font-medium text-bad">
          <Icon name="cross" /> {messageOf(error)}
        </span>
        {error instanceof ClientError && error.details.length > 0 ? (
          <ul className="text-ink">
            {error.details.map((fault) => (
              <li key={`${fault.path} ${fault.message}`}>
                <code>{fault.path}</code> {fault.message}
              </li>
            ))}
          </ul>
        ) : null}
      </span>
      {retry === undefined ? null : (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Lines in the place of what is being loaded; nothing jumps when it comes. */
export function Loading({ lines = 3, label }: { lines?: number; label: string }): ReactElement {
  return (
    <div role="status" className="flex flex-col gap-3 py-2">
      <span className="sr-only">{label}</span>
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} className="h-3 rounded-sm bg-wash" style={{ width: `${92 - ((i * 23) % 40)}%` }} />
      ))}
    </div>
  );
}

/** What is not there yet: on its way, or why not. */
export function Awaited(props: { error: unknown; label: string; lines?: number; retry: () => void }): ReactElement {
  const { error, retry, ...loading } = props;
  return error === null ? <Loading {...loading} /> : <Fault error={error} retry={retry} />;
}

export function Empty({ title, children }: { title: string; children?: ReactNode }): ReactElement {
  return (
    <div className="flex flex-col gap-2 py-6">
      <p className="font-medium">{title}</p>
      {children === undefined ? null : <div className="max-w-prose text-soft">{children}</div>}
    </div>
  );
}
