import { useState, type ReactElement } from "react";
import { toast } from "./toast.ts";
import { Icon } from "./icon.tsx";

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`);
  } catch {
    toast(`The browser does not let the page copy; select the text instead`, "bad");
  }
}

export function CopyButton({ text, what }: { text: string; what: string }): ReactElement {
  return (
    <button
      type="button"
      className="button button-quiet button-icon"
      aria-label={`Copy ${what}`}
      title={`Copy ${what}`}
      onClick={() => void copyText(text, what)}
    >
      <Icon name="copy" />
    </button>
  );
}

/** Text to be taken elsewhere, in tabs when there are several ways. */
export function Snippets({ label, snippets }: { label: string; snippets: readonly { name: string; text: string }[] }): ReactElement {
  const [chosen, choose] = useState(0);
  const shown = snippets[chosen] ?? snippets[0];
  if (shown === undefined) return <></>;
  return (
    <div className="panel overflow-hidden">
      <div className="flex items-center gap-1 border-b border-line px-2 py-1" role="group" aria-label={label}>
        {snippets.map((snippet, i) => (
          <button
            key={snippet.name}
            type="button"
            aria-pressed={i === chosen}
            className={`rounded-sm px-2 py-1 text-sm ${i === chosen ? "bg-wash font-medium text-ink" : "text-soft hover:text-ink"}`}
            onClick={() => choose(i)}
          >
            {snippet.name}
          </button>
        ))}
        <span className="ml-auto">
          <CopyButton text={shown.text} what={`${shown.name} snippet`} />
        </span>
      </div>
      <pre tabIndex={0} aria-label={`${shown.name} snippet`} className="overflow-x-auto px-4 py-3 text-sm leading-6">
        {shown.text}
      </pre>
    </div>
  );
}
