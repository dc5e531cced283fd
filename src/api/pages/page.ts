import { createHash } from "node:crypto";

/** Text that is HTML already; everything else that goes into a page is escaped. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | null | undefined | false | readonly Part[];

/** A template whose values are escaped unless they are Html themselves. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(strings.reduce((text, string, i) => text + written(parts[i - 1]) + string));
}

function written(part: Part): string {
  if (part === null || part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(written).join("");
  return String(part).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#dfe4ea;--paper:#fff;--wash:#f5f7f9;--rail:#0b6e66;--bad:#b3261e;--warn:#8a5a00}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa6b5;--line:#2c3644;--paper:#121820;--wash:#1a222d;--rail:#4fc3b5;--bad:#ff8a80;--warn:#f0b866}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,sans-serif}
header{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:center;padding:.9rem 1.5rem;border-bottom:1px solid var(--line)}
header strong{font-size:1.1rem;letter-spacing:-.01em}
header nav{display:flex;gap:1.2rem;flex:1}
main{max-width:72rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:.2rem 0 1rem;letter-spacing:-.02em}
h2{font-size:1.1rem;margin:2rem 0 .5rem}
a{color:var(--rail)}
table{width:100%;border-collapse:collapse}
th,td{text-align:left;padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:500}
td.n{font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
code,pre{font:13px/1.5 ui-monospace,monospace}
pre{background:var(--wash);padding:.8rem 1rem;border-radius:.5rem;overflow:auto;max-height:30rem}
.soft{color:var(--soft)}.failed,.fault{color:var(--bad)}.paused,.expired,.cancelled{color:var(--warn)}.completed{color:var(--rail)}
progress{width:8rem;accent-color:var(--rail)}
details{border-bottom:1px solid var(--line);padding:.5rem 0}
summary{cursor:pointer}
summary code{font-weight:600}
.method{display:inline-block;width:4.5rem;color:var(--rail);font-weight:600}
form.card{max-width:26rem;display:grid;gap:.8rem}
input{font:inherit;padding:.55rem .7rem;border:1px solid var(--line);border-radius:.4rem;background:var(--wash);color:inherit;width:100%}
button{font:inherit;padding:.5rem .9rem;border:1px solid var(--line);border-radius:.4rem;background:var(--wash);color:inherit;cursor:pointer}
button.main{background:var(--rail);border-color:var(--rail);color:var(--paper)}
:focus-visible{outline:2px solid var(--rail);outline-offset:2px}
`;

/** For the Content-Security-Policy: the one inline style that may be. */
export const STYLE_HASH = `'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`;

export function page(options: { title: string; body: Html; signedIn: boolean; refreshSeconds?: number }): string {
  const { title, body, signedIn, refreshSeconds } = options;
  const nav = signedIn
    ? html`<nav><a href="/">Batches</a><a href="/docs">API</a><a href="/openapi.json">openapi.json</a></nav>
        <form method="post" action="/api/session/logout"><button>Sign out</button></form>`
    : null;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        ${refreshSeconds === undefined ? null : html`<meta http-equiv="refresh" content="${refreshSeconds}" />`}
        <title>${title} · Batchyard</title>
        <style>${new Html(STYLE)}</style>
      </head>
      <body>
        <header><strong>Batchyard</strong>${nav}</header>
        <main>${body}</main>
      </body>
    </html> `.text;
}
