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

/** The colours and type of dashboard/src/theme/theme.css, for the pages that do without it. */
const STYLE = `
:root{color-scheme:light dark;--ink:#191c1b;--soft:#5a605d;--line:#e3e4df;--edge:#8b9089;--paper:#fbfbf9;--raised:#fff;--wash:#f1f2ee;--rail:#0b6e66;--on-rail:#fff;--bad:#b3261e;--warn:#8a5300}
@media (prefers-color-scheme:dark){:root{--ink:#e7ebe9;--soft:#9ca8a3;--line:#29312f;--edge:#6f7a76;--paper:#101413;--raised:#161b1a;--wash:#1c2321;--rail:#58c9ba;--on-rail:#08201d;--bad:#ff8f86;--warn:#f0b866}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:14px/1.6 "Inter","SF Pro Text","Segoe UI Variable Text","Segoe UI",system-ui,"Noto Sans","Liberation Sans",sans-serif;font-feature-settings:"cv05","cv11","ss03";-webkit-font-smoothing:antialiased}
header{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:center;padding:.9rem 1.5rem;border-bottom:1px solid var(--line)}
header strong{display:flex;gap:.5rem;align-items:center;font-size:1rem;font-weight:600;letter-spacing:-.02em}
header svg{width:1.05em;height:1.05em;color:var(--rail)}
header nav{display:flex;gap:1.2rem;flex:1}
main{max-width:72rem;margin:0 auto;padding:1.5rem}
.alone header{border-bottom:0}
.alone header,.alone main{max-width:26rem;margin:0 auto;padding-left:1.5rem;padding-right:1.5rem}
.alone header{padding-top:16vh}
h1{font-size:1.75rem;line-height:1.25;font-weight:600;margin:.2rem 0 1rem;letter-spacing:-.022em}
h2{font-size:1rem;font-weight:600;margin:2rem 0 .5rem}
a{color:var(--rail);text-underline-offset:3px}
table{width:100%;border-collapse:collapse}
th,td{text-align:left;padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:500}
td.n{font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
code,pre{font:13px/1.5 ui-monospace,"SF Mono","JetBrains Mono","Cascadia Mono","Noto Sans Mono","Liberation Mono",monospace}
pre{background:var(--wash);padding:.8rem 1rem;border-radius:6px;overflow:auto;max-height:30rem}
.soft{color:var(--soft)}.failed,.fault{color:var(--bad)}.paused,.expired,.cancelled{color:var(--warn)}.completed{color:var(--rail)}
.fault{border-left:2px solid var(--bad);padding-left:.75rem}
progress{width:8rem;accent-color:var(--rail)}
details{border-bottom:1px solid var(--line);padding:.5rem 0}
summary{cursor:pointer}
summary code{font-weight:600}
.method{display:inline-block;width:4.5rem;color:var(--rail);font-weight:600}
form.card{display:grid;gap:1rem;margin-top:1.5rem}
label{display:grid;gap:.35rem;font-weight:500}
input{font:inherit;font-weight:400;min-height:2.5rem;padding:.4rem .7rem;border:1px solid var(--edge);border-radius:6px;background:var(--raised);color:inherit;width:100%}
button{font:inherit;font-weight:500;min-height:2.25rem;padding:.35rem .9rem;border:1px solid var(--line);border-radius:6px;background:var(--raised);color:inherit;cursor:pointer}
button:hover{border-color:var(--edge)}
button.main{background:var(--rail);border-color:var(--rail);color:var(--on-rail);width:100%;min-height:2.5rem}
:focus-visible{outline:2px solid var(--rail);outline-offset:2px}
`;

/** For the Content-Security-Policy: the one inline style that may be. */
export const STYLE_HASH = `'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`;

const MARK = new Html(
  '<svg aria-hidden="true" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"><path d="M2.5 4h11M2.5 8h11M2.5 12h6.5"/></svg>',
);

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
      <body class="${signedIn ? "" : "alone"}">
        <header><strong>${MARK} Batchyard</strong>${nav}</header>
        <main>${body}</main>
      </body>
    </html> `.text;
}
