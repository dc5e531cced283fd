import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { readDashboard } from "../../src/api/pages/dashboard.ts";
import { type Served, TOKEN } from "./served.ts";

/** Named by scripts/test.mjs, which installs it; else the one of this machine. */
const CHROMIUM = process.env["TEST_CHROMIUM"] ?? "/usr/bin/chromium";
/** What is waited for comes when the machine has time for it. */
const PATIENCE_MS = 120_000;

export async function launch(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    timeout: PATIENCE_MS,
  });
  browser.on("context", (context) => context.setDefaultTimeout(PATIENCE_MS));
  return browser;
}

export interface Look {
  theme: "light" | "dark";
  width: number;
}

/** A page of its own session, signed in with an API key, that collects what the browser complains about. */
export async function signedIn(browser: Browser, { url }: Served, look: Look, key = TOKEN): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({
    viewport: { width: look.width, height: 900 },
    colorScheme: look.theme,
    reducedMotion: "reduce",
    baseURL: url,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto("/signin");
  await page.locator("input[name=key]").fill(key);
  await Promise.all([page.waitForURL((at) => at.pathname === "/"), page.locator("main button").click()]);
  return { page, complaints };
}

/** Fails with the cure where there is no dashboard to look at. */
export function built(): void {
  if (readDashboard(join(import.meta.dirname, "../../dist/dashboard")) === null)
    throw new Error("The dashboard is not built; run `npm run build`");
}
