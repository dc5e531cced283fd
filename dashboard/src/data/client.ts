import { createClient } from "batchyard/client";

/** What a shared link stands for: its batch, and the secret behind the #, which the browser sends to nobody. */
export const shared = ((): { batch: string; secret: string } | null => {
  const [, batch] = /^\/shared\/([^/]+)$/.exec(window.location.pathname) ?? [];
  return batch === undefined ? null : { batch: decodeURIComponent(batch), secret: window.location.hash.slice(1) };
})();

/** The server this page came from; the session's cookie is the credential, or the secret of a shared link. */
export const client = createClient({ url: window.location.origin, ...(shared === null ? {} : { token: shared.secret }) });
