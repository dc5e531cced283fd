import type { ReactElement } from "react";
import { PageTitle } from "../../shell/page-title.tsx";

export function FlowPage(): ReactElement {
  return <PageTitle title="Flow" />;
}
