import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { alertsSearch } from "./pages/alerts/search.ts";
import { failuresSearch } from "./pages/failures/search.ts";
import { overviewSearch } from "./pages/overview/search.ts";
import { parseAddress, writeAddress } from "./address.ts";
import { batchesSearch } from "./pages/batches/search.ts";
import { batchSearch } from "./pages/batch/search.ts";
import { compareSearch } from "./pages/compare/search.ts";
import { flowSearch } from "./pages/flow/search.ts";
import { streamSearch } from "./pages/stream/search.ts";
import { streamsSearch } from "./pages/streams/search.ts";
import { costsSearch } from "./pages/costs/search.ts";
import { historySearch } from "./pages/history/search.ts";
import { auditSearch } from "./pages/audit/search.ts";
import { settingsSearch } from "./pages/settings/search.ts";
import { eventsSearch } from "./pages/events/search.ts";
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

const streams = createRoute({
  getParentRoute: () => root,
  path: "/streams",
  validateSearch: streamsSearch,
  component: lazyRouteComponent(() => import("./pages/streams/page.tsx"), "StreamsPage"),
});

const stream = createRoute({
  getParentRoute: () => root,
  path: "/streams/$name",
  validateSearch: streamSearch,
  component: lazyRouteComponent(() => import("./pages/stream/page.tsx"), "StreamPage"),
});

const flow = createRoute({
  getParentRoute: () => root,
  path: "/flow",
  validateSearch: flowSearch,
  component: lazyRouteComponent(() => import("./pages/flow/page.tsx"), "FlowPage"),
});

const workers = createRoute({
  getParentRoute: () => root,
  path: "/workers",
  component: lazyRouteComponent(() => import("./pages/workers/page.tsx"), "WorkersPage"),
});

const failures = createRoute({
  getParentRoute: () => root,
  path: "/failures",
  validateSearch: failuresSearch,
  component: lazyRouteComponent(() => import("./pages/failures/page.tsx"), "FailuresPage"),
});

const alerts = createRoute({
  getParentRoute: () => root,
  path: "/alerts",
  validateSearch: alertsSearch,
  component: lazyRouteComponent(() => import("./pages/alerts/page.tsx"), "AlertsPage"),
});

const history = createRoute({
  getParentRoute: () => root,
  path: "/history",
  validateSearch: historySearch,
  component: lazyRouteComponent(() => import("./pages/history/page.tsx"), "HistoryPage"),
});

const costs = createRoute({
  getParentRoute: () => root,
  path: "/costs",
  validateSearch: costsSearch,
  component: lazyRouteComponent(() => import("./pages/costs/page.tsx"), "CostsPage"),
});

const events = createRoute({
  getParentRoute: () => root,
  path: "/events",
  validateSearch: eventsSearch,
  component: lazyRouteComponent(() => import("./pages/events/page.tsx"), "EventsPage"),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: auditSearch,
  component: lazyRouteComponent(() => import("./pages/audit/page.tsx"), "AuditPage"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  validateSearch: settingsSearch,
  component: lazyRouteComponent(() => import("./pages/settings/page.tsx"), "SettingsPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    batches,
    newBatch,
    compare,
    batch,
    streams,
    stream,
    flow,
    workers,
    failures,
    alerts,
    history,
    costs,
    events,
    audit,
    settings,
  ]),
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
