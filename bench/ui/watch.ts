/**
 * What a page costs the browser, noted by the browser itself. `WATCH` runs in the page before anything else does; it is text because
 * it is no code of this program.
 */
export interface Watched {
  /** Milliseconds of every task beyond 50 ms. */
  longTasks: number[];
  /** Frames that were shown, and that 60 a second would have shown beyond them. */
  frames: number;
  dropped: number;
  /** Times that React changed the page. */
  commits: number;
  /** Milliseconds since the page began to load, at the largest paint. */
  largestPaint: number;
  /** Milliseconds since the page began to load, when heading and contents last came to stand there. */
  usableAt: number;
}

export const WATCH = `
  const watched = (window.watched = { longTasks: [], frames: 0, dropped: 0, commits: 0, largestPaint: 0, usableAt: 0 });
  // What React looks for to tell of its work.
  window.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
    renderers: new Map(), supportsFiber: true, inject: () => 1, checkDCE() {},
    onCommitFiberRoot() { watched.commits += 1; }, onCommitFiberUnmount() {}, onPostCommitFiberRoot() {},
  };
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) watched.longTasks.push(entry.duration); }).observe({ type: "longtask" });
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) watched.largestPaint = entry.startTime; }).observe({ type: "largest-contentful-paint", buffered: true });
  let last = 0, isUsable = false;
  const frame = (now) => {
    if (last > 0) { watched.frames += 1; watched.dropped += Math.max(0, Math.round((now - last) / (1000 / 60)) - 1); }
    last = now;
    const usable = document.querySelector("main h1") !== null && document.querySelector("main [role=status] .bg-wash") === null;
    if (usable && !isUsable) watched.usableAt = performance.now();
    isUsable = usable;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
`;

export const FORGET = `Object.assign(window.watched, { longTasks: [], frames: 0, dropped: 0, commits: 0 })`;
