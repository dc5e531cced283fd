import type { ReactElement } from "react";
import { PageTitle } from "../../shell/page-title.tsx";

export function WorkersPage(): ReactElement {
  return <PageTitle title="Workers" />;
}
