import { useSyncExternalStore, type ReactElement } from "react";
import { freeze } from "../data/freeze.ts";
import { Icon } from "../parts/icon.tsx";

export function FreezeButton(): ReactElement {
  const frozen = useSyncExternalStore(freeze.subscribe, freeze.get);
  return (
    <button
      type="button"
      aria-pressed={frozen}
      aria-label="Freeze the page"
      title={frozen ? "Let the page go on (f)" : "Freeze the page: nothing moves until you let it go (f)"}
      className={`button button-icon ${frozen ? "border-warn text-warn" : "button-quiet text-soft"}`}
      onClick={freeze.toggle}
    >
      <Icon name="freeze" />
    </button>
  );
}
