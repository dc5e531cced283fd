/** Times that React changed the page, by second of the last minute: one addition each, so it may run always. */

const KEPT_SECONDS = 60;

interface Hook {
  onCommitFiberRoot?: (...args: unknown[]) => unknown;
  [name: string]: unknown;
}

let bySecond: { second: number; commits: number }[] = [];
let since = performance.now();

function note(): void {
  const second = Math.floor(performance.now() / 1_000);
  const last = bySecond.at(-1);
  if (last?.second === second) last.commits += 1;
  else {
    bySecond.push({ second, commits: 1 });
    if (bySecond.length > KEPT_SECONDS) bySecond.shift();
  }
}

/** React tells the hook that it finds when it loads; one that is there already (the developer tools) is told as before. */
function listen(): void {
  const place = globalThis as { __REACT_DEVTOOLS_GLOBAL_HOOK__?: Hook };
  const hook = (place.__REACT_DEVTOOLS_GLOBAL_HOOK__ ??= {
    renderers: new Map(),
    supportsFiber: true,
    inject: () => 1,
    checkDCE: () => undefined,
    onCommitFiberUnmount: () => undefined,
    onPostCommitFiberRoot: () => undefined,
  });
  const before = hook.onCommitFiberRoot;
  hook.onCommitFiberRoot = (...args) => {
    note();
    return before?.apply(hook, args);
  };
}

listen();

export const commits = {
  /** How many a second, over the last minute or since it was begun anew; `now` by performance.now(). */
  perSecond(now: number): number {
    const seconds = Math.max(1, Math.min(KEPT_SECONDS, (now - since) / 1_000));
    const from = Math.floor(now / 1_000 - seconds);
    const counted = bySecond.reduce((sum, { second, commits: each }) => (second > from ? sum + each : sum), 0);
    return counted / seconds;
  },
  forget(): void {
    bySecond = [];
    since = performance.now();
  },
};
