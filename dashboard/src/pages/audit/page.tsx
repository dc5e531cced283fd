import type { ReactElement } from "react";
import { PageTitle } from "../../shell/page-title.tsx";

export function AuditPage(): ReactElement {
  return <PageTitle title="Audit" />;
}
