import { useLayoutEffect, useState, useSyncExternalStore, type ReactElement } from "react";
import { Link, Outlet, useNavigate, useRouter, useRouterState } from "@tanstack/react-router";
import { BulkTray } from "../bulk/bulk-tray.tsx";
import { freeze } from "../data/freeze.ts";
import { Icon } from "../parts/icon.tsx";
import { preference, THEMES } from "../theme/preference.ts";
import { Announcer } from "./announcer.tsx";
import { FreezeButton } from "./freeze-button.tsx";
import { Freshness } from "./freshness.tsx";
import { keysFor } from "./bindings.ts";
import { keyName } from "./key-name.ts";
import { LivePill } from "./live-pill.tsx";
import { Menu } from "./menu.tsx";
import { Navigation } from "./navigation.tsx";
import { PAGES } from "./pages.ts";
import { Palette } from "./palette.tsx";
import { ShortcutList } from "./shortcut-list.tsx";
import { listenForKeys, type Shortcut, useShortcuts } from "./shortcuts.ts";
import { Tenant } from "./tenant.tsx";
import { ThemeSwitch } from "./theme-switch.tsx";
import { Toasts } from "./toasts.tsx";

type Overlay = "none" | "palette" | "keys" | "menu";

/** What stands around every page. */
export function Shell(): ReactElement {
  const navigate = useNavigate();
  const router = useRouter();
  const path = useRouterState({ select: (state) => state.location.pathname });
  // An overlay is of the page it was opened on: another page closes it.
  const [opened, setOpened] = useState<{ what: Overlay; on: string }>({ what: "none", on: path });
  const overlay = opened.on === path ? opened.what : "none";
  const setOverlay = (what: Overlay): void => setOpened({ what, on: router.latestLocation.pathname });
  useLayoutEffect(
    () =>
      listenForKeys({
        isComing: () => router.state.status === "pending",
        onArrival: (listener) => router.subscribe("onRendered", listener),
      }),
    [router],
  );
  const { zone } = useSyncExternalStore(preference.subscribe, preference.get);
  const everywhere: Shortcut[] = [
    ...PAGES.map((page) => ({ keys: `g ${page.key}`, label: `Go to ${page.label}`, run: () => void navigate({ to: page.to }) })),
    { keys: "n", label: "New batch", run: () => void navigate({ to: "/batches/new" }) },
    { keys: "mod+k", label: "Find or do anything", run: () => setOverlay("palette") },
    { keys: ":", label: "Find or do anything, too", run: () => setOverlay("palette") },
    { keys: "f", label: "Freeze the page, or let it go", run: freeze.toggle },
    { keys: "t", label: "Next theme: system, light, dark", run: nextTheme },
    { keys: "z", label: "Times in UTC, or in local time", run: () => preference.set({ zone: zone === "utc" ? "local" : "utc" }) },
    { keys: "?", label: "All keys", run: () => setOverlay("keys") },
  ];
  useShortcuts(everywhere);
  const close = (): void => setOverlay("none");
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[13.5rem_minmax(0,1fr)]">
      <a href="#main" className="skip button button-main">
        Skip to the content
      </a>
      <aside aria-label="Batchyard" className="hidden border-r border-line lg:block">
        <div className="sticky top-0 flex h-dvh flex-col px-3 py-5">
          <Wordmark />
          <div className="mt-6 mb-4 min-h-0 flex-1 overflow-y-auto">
            <Navigation />
          </div>
          <div className="mt-auto flex flex-col gap-3 px-2 text-sm">
            <Tenant />
            <ThemeSwitch />
            <button type="button" className="flex items-center justify-between text-soft hover:text-ink" onClick={() => setOverlay("keys")}>
              Keyboard <kbd className="key">?</kbd>
            </button>
          </div>
        </div>
      </aside>
      <div className="flex min-w-0 flex-col">
        <header className="sticky top-0 z-20 flex min-h-14 items-center gap-2 border-b border-line bg-paper px-4 md:px-8">
          <span className="lg:hidden">
            <Wordmark />
          </span>
          <button
            type="button"
            className="hidden h-8 w-72 items-center gap-2 rounded-md border border-line bg-raised px-2.5 text-sm text-soft hover:border-edge lg:flex"
            onClick={() => setOverlay("palette")}
          >
            <Icon name="search" /> Find or do … <kbd className="key ml-auto">{keyName(keysFor("mod+k"))}</kbd>
          </button>
          <div className="ml-auto flex items-center gap-2">
            <LivePill />
            <FreezeButton />
            <button type="button" aria-label="Menu" className="button button-icon lg:hidden" onClick={() => setOverlay("menu")}>
              <Icon name="menu" />
            </button>
          </div>
        </header>
        <main id="main" tabIndex={-1} className="mx-auto w-full max-w-[84rem] flex-1 px-4 pt-7 pb-16 outline-none md:px-8 md:pt-9">
          {/* The overview says it by itself, with the time of its figures. */}
          <Freshness says={path !== "/"}>
            {/* Times are written when something is drawn: all of it is, when the zone changes. */}
            <Outlet key={zone} />
          </Freshness>
        </main>
      </div>
      {overlay === "palette" ? <Palette onClose={close} onKeys={() => setOverlay("keys")} /> : null}
      {overlay === "keys" ? <ShortcutList onClose={close} everywhere={everywhere} /> : null}
      {overlay === "menu" ? <Menu onClose={close} /> : null}
      <BulkTray />
      <Toasts />
      <Announcer />
    </div>
  );
}

function Wordmark(): ReactElement {
  return (
    <Link to="/" className="flex items-center gap-2 px-2 text-lg font-semibold tracking-[-0.02em]">
      <Icon name="batches" className="text-accent" /> Batchyard
    </Link>
  );
}

function nextTheme(): void {
  const at = THEMES.indexOf(preference.get().theme);
  preference.set({ theme: THEMES[(at + 1) % THEMES.length] ?? "system" });
}
