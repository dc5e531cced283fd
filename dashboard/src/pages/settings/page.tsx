import type { ReactElement } from "react";
import { PageTitle } from "../../shell/page-title.tsx";

export function SettingsPage(): ReactElement {
  return <PageTitle title="Settings" />;
}
