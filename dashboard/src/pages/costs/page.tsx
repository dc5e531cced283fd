import type { ReactElement } from "react";
import { PageTitle } from "../../shell/page-title.tsx";

export function CostsPage(): ReactElement {
  return <PageTitle title="Costs" />;
}
