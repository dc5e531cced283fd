/** What is read of an answer: a part of the Fetch API's `Response`. */
export type Answer = Pick<Response, "ok" | "status" | "text" | "body"> & { readonly headers: Pick<Headers, "get"> };
/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit & { duplex?: "half" }) => Promise<Answer>;
