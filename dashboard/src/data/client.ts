import { createClient } from "batchyard/client";

/** The server this page came from; the session's cookie is the credential. */
export const client = createClient({ url: window.location.origin });
