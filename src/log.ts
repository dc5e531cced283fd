import pino, { type DestinationStream, type Logger } from "pino";

export const CENSORED = "[secret]";

/** Names under which nothing is ever written, however deep they stand. */
const SECRET_NAMES =
  /"((?:[a-z0-9_-]*[_-])?(?:authorization|cookie|password|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)|(?:[a-z0-9]*)(?:ApiKey|Secret|Token|Password))"\s*:\s*("(?:[^"\\]|\\.)*"|\[[^\]]*\])/gi;
/** What looks like a key wherever it stands: our own, those of model providers, bearer credentials, credentials in a URL. */
const SECRET_TEXTS: readonly [RegExp, string][] = [
  [/\bby_[A-Za-z0-9_-]{20,}/g, CENSORED],
  [/\bsk-[A-Za-z0-9_-]{16,}/g, CENSORED],
  [/\bwhsec_[A-Za-z0-9+/=]{16,}/g, CENSORED],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${CENSORED}`],
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*):[^\s@/"\\]+@/gi, `$1:${CENSORED}@`],
];
/** A shorter one would be found in ordinary words. */
const SHORTEST_SECRET = 8;

/** A line of the log without what is secret by its name, by its looks, or because it is one of `secrets`. */
function redacted(line: string, secrets: readonly string[]): string {
  let text = line.replace(SECRET_NAMES, (_, name: string) => `"${name}":"${CENSORED}"`);
  for (const [pattern, instead] of SECRET_TEXTS) text = text.replace(pattern, instead);
  for (const secret of secrets) {
    if (secret.length < SHORTEST_SECRET) continue;
    // As it stands in JSON: a quote or a backslash of it is escaped there.
    text = text.replaceAll(JSON.stringify(secret).slice(1, -1), CENSORED);
  }
  return text;
}

/** The log: one JSON line an entry. `secrets` are those this process was given. */
export function createLog(level: string, secrets: readonly string[], destination: DestinationStream): Logger {
  return pino({ level, base: null, hooks: { streamWrite: (line) => redacted(line, secrets) } }, destination);
}
