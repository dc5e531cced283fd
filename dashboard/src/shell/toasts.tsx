import { useSyncExternalStore, type ReactElement } from "react";
import { Icon } from "../parts/icon.tsx";
import { toastList } from "../parts/toast.ts";

export function Toasts(): ReactElement {
  const toasts = useSyncExternalStore(toastList.subscribe, toastList.get);
  return (
    <div role="status" className="pointer-events-none fixed right-4 bottom-4 left-4 z-30 flex flex-col items-end gap-2">
      {toasts.map((toast) => (
        <p key={toast.id} className="panel flex items-center gap-2 px-4 py-2.5 text-sm" style={{ boxShadow: "var(--shadow)" }}>
          <Icon name={toast.tone === "good" ? "check" : "cross"} className={toast.tone === "good" ? "text-good" : "text-bad"} />
          {toast.text}
        </p>
      ))}
    </div>
  );
}
