import type { Outcome } from "../route.ts";
import { html, page } from "./page.ts";

/** The page for everybody without a session: what to do, and a form for an API key. */
export function signInPage(status: number, fault: string | null): Outcome {
  const body = html`<h1>Sign in</h1>
    ${fault === null ? null : html`<p class="fault" role="alert">${fault}</p>`}
    <p class="soft">Open the sign-in link that the server printed at its start, or enter an API key.</p>
    <form class="card" method="post" action="/signin">
      <label>API key <input name="key" type="password" autocomplete="current-password" required autofocus /></label>
      <button class="main">Sign in</button>
    </form>`;
  return { kind: "html", status, html: page({ title: "Sign in", body, signedIn: false }) };
}
