import type { ReactElement } from "react";
import { PageTitle } from "../../shell/page-title.tsx";

export function AlertsPage(): ReactElement {
  return <PageTitle title="Alerts" />;
}
