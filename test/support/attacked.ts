import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve, TOKEN, type Served } from "../../src/api/server.fixture.ts";
import { ask, type Answer, type Asked, formed } from "./ask.ts";

/** A server whose data directory lies alone in another one, so that whatever gets out of it is seen; asked with an admin's token. */
export interface Attacked {
  /** Holds `data` and should never hold anything else. */
  around: string;
  served: Served;
  url: string;
  send(asked: Asked): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  /** The id of a batch that was created so and has completed. */
  completed(body: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

export async function attacked(): Promise<Attacked> {
  const around = mkdtempSync(join(tmpdir(), "batchyard-around-"));
  mkdirSync(join(around, "data"));
  const served = await serve({ directory: join(around, "data") });
  const url = await served.listen();
  const send = (asked: Asked): Promise<Answer> => ask(url, { ...asked, headers: { authorization: `Bearer ${TOKEN}`, ...asked.headers } });
  return {
    around,
    served,
    url,
    send,
    post: (path, body) => send({ method: "POST", ...formed(path, body) }),
    async completed(body) {
      const id = await served.create(body);
      await served.event("batch.completed", id);
      return id;
    },
    async close() {
      await served.close();
      rmSync(around, { recursive: true, force: true });
    },
  };
}
