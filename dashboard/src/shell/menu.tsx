import type { ReactElement } from "react";
import { Dialog } from "../parts/dialog.tsx";
import { Navigation } from "./navigation.tsx";
import { ThemeSwitch } from "./theme-switch.tsx";

/** The navigation where there is no room beside the page. */
export function Menu({ onClose }: { onClose: () => void }): ReactElement {
  return (
    <Dialog title="Menu" onClose={onClose} footer={<ThemeSwitch />}>
      <Navigation onFollow={onClose} />
    </Dialog>
  );
}
