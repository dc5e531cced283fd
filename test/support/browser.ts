import { join } from "node:path";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { readDashboard } from "../../src/api/pages/dashboard.ts";
import { type Served, TOKEN } from "./served.ts";
import { SlowMachine } from "./slow-machine.ts";

/** Named by scripts/test.mjs, which installs it; else the one of this machine. */
const CHROMIUM = process.env["TEST_CHROMIUM"] ?? "/usr/bin/chromium";
/** What is waited for comes when the machine has time for it. */
const PATIENCE_MS = 120_000;
/** As on a slow and noisy machine, to find what a test or a page takes for granted: see SlowMachine. */
const CHAOS = process.env["TEST_CHAOS"] ?? "";

export async function launch(): Promise<Browser> {
  const slow = CHAOS === "" ? null : new SlowMachine(CHAOS);
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
    ...(slow === null ? {} : { proxy: { server: await slow.listen() } }),
  });
  browser.on("context", (context) => {
    context.setDefaultTimeout(PATIENCE_MS);
    slow?.slow(context);
  });
  browser.on("disconnected", () => void slow?.close());
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

/** Presses a button and waits for the short answer to it. That goes by itself after a while: it is looked for from before. */
export async function answered(button: Locator, text: string): Promise<void> {
  await Promise.all([button.page().getByRole("status").getByText(text).first().waitFor(), button.click()]);
}

/**
 * Acts on many batches that a page begins from now on wait for a minute, the longest there is: the seconds it asks for are a
 * reader's to undo it in, not those of a machine that takes longer to press a button. Returns the seconds that were asked for, as they come.
 */
export async function withTimeToUndo(page: Page): Promise<number[]> {
  const asked: number[] = [];
  await page.route("**/api/batch/bulk", (route) => {
    const body = route.request().postDataJSON() as { delaySeconds?: number } | null;
    if (body?.delaySeconds === undefined) return route.continue();
    asked.push(body.delaySeconds);
    return route.continue({ postData: JSON.stringify({ ...body, delaySeconds: 60 }) });
  });
  return asked;
}

/** Presses the first button that begins with the name, or the key: one that opens a dialog. */
export async function openDialog(page: Page, opener: string): Promise<void> {
  if (/^.$|\+/.test(opener)) await page.keyboard.press(opener);
  else {
    const name = new RegExp(`^${opener}\\b`);
    await page.locator("main").getByRole("button", { name }).locator("visible=true").first().click();
  }
  await page.locator("dialog[open]").waitFor();
}

/** Fails with the cure where there is no dashboard to look at. */
export function built(): void {
  if (readDashboard(join(import.meta.dirname, "../../dist/dashboard")) === null)
    throw new Error("The dashboard is not built; run `npm run build`");
}
