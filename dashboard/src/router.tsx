import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { overviewSearch } from "./pages/overview/search.ts";
import { parseAddress, writeAddress } from "./address.ts";
import { batchesSearch } from "./pages/batches/search.ts";
import { batchSearch } from "./pages/batch/search.ts";
import { compareSearch } from "./pages/compare/search.ts";
import { NotFound } from "./shell/not-found.tsx";
import { PageFault } from "./shell/page-fault.tsx";
import { Shell } from "./shell/shell.tsx";

/** Every address; the server's list in src/api/routes/dashboard.ts answers a reload of each with this page. */
const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: overviewSearch,
  component: lazyRouteComponent(() => import("./pages/overview/page.tsx"), "OverviewPage"),
});

const batches = createRoute({
  getParentRoute: () => root,
  path: "/batches",
  validateSearch: batchesSearch,
  component: lazyRouteComponent(() => import("./pages/batches/page.tsx"), "BatchesPage"),
});

const newBatch = createRoute({
  getParentRoute: () => root,
  path: "/batches/new",
  component: lazyRouteComponent(() => import("./pages/new-batch/page.tsx"), "NewBatchPage"),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: "/batches/compare",
  validateSearch: compareSearch,
  component: lazyRouteComponent(() => import("./pages/compare/page.tsx"), "ComparePage"),
});

const batch = createRoute({
  getParentRoute: () => root,
  path: "/batches/$id",
  validateSearch: batchSearch,
  component: lazyRouteComponent(() => import("./pages/batch/page.tsx"), "BatchPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([overview, batches, newBatch, compare, batch]),
  parseSearch: parseAddress,
  stringifySearch: writeAddress,
  defaultPreload: "intent",
  defaultErrorComponent: PageFault,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
