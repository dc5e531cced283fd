export const CHAT = "/v1/chat/completions";

/** Names the window of a request: `<jobType>/<model>`, and the endpoint after a blank when it is not the usual one. */
export function windowKeyOf(jobType: string, model: string, url: string): string {
  return `${jobType}/${model}${url === CHAT ? "" : ` ${url}`}`;
}

/** Job types have no slash, models no blank. */
export function windowSubject(windowKey: string): { jobType: string; model: string } {
  const cut = windowKey.indexOf("/");
  const [model = ""] = windowKey.slice(cut + 1).split(" ");
  return { jobType: windowKey.slice(0, cut), model };
}
