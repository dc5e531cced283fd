import { RE2JS } from "re2js";

const MAX_PATTERN_LENGTH = 500;

/** A pattern from outside that cannot be run: too long, or it needs backtracking. */
export class RegexNotSupported extends Error {
  override readonly name = "RegexNotSupported";
  readonly code = "regex_not_supported";
}

/**
 * A regular expression from outside, matched by RE2 in time linear in the text: nobody can hang the server with
 * `^(a+)+$`. Patterns are JavaScript's (with `u`), without what needs backtracking (back-references, look-around); `\d`, `\w`,
 * `\s` and `\b` are ASCII. At most 500 characters. Throws RegexNotSupported.
 *
 * Has as much of RegExp's shape as ajv (`test`) and JSONata (`exec` from `lastIndex`) use.
 */
export class LinearRegExp {
  readonly source: string;
  lastIndex = 0;
  private readonly flags: string;
  private readonly engine: RE2JS;

  constructor(pattern: string | RegExp, flags = typeof pattern === "string" ? "" : pattern.flags) {
    this.source = typeof pattern === "string" ? pattern : pattern.source;
    this.flags = flags;
    if (this.source.length > MAX_PATTERN_LENGTH)
      throw new RegexNotSupported(`the pattern '${this.source.slice(0, 40)}…' is longer than ${MAX_PATTERN_LENGTH} characters`);
    let bits = 0;
    if (flags.includes("i")) bits |= RE2JS.CASE_INSENSITIVE;
    if (flags.includes("s")) bits |= RE2JS.DOTALL;
    if (flags.includes("m")) bits |= RE2JS.MULTILINE;
    try {
      this.engine = RE2JS.compile(RE2JS.translateRegExp(this.source), bits);
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace("error parsing regexp: ", "") : String(error);
      throw new RegexNotSupported(`the pattern '${this.source}' is not supported: ${reason} (no back-references, no look-around)`, {
        cause: error,
      });
    }
  }

  test(text: string): boolean {
    return this.engine.test(text);
  }

  /** The first match at or after `lastIndex`, which then stands behind it; null and `lastIndex` 0 when there is none. */
  exec(text: string): RegExpExecArray | null {
    const matcher = this.engine.matcher(text);
    if (this.lastIndex > text.length || !matcher.find(this.lastIndex)) {
      this.lastIndex = 0;
      return null;
    }
    const groups: (string | undefined)[] = [];
    for (let i = 0; i <= matcher.groupCount(); i++) groups.push(matcher.group(i) ?? undefined);
    this.lastIndex = matcher.end();
    return Object.assign(groups as [string, ...string[]], { index: matcher.start(), input: text });
  }

  /** Different for different patterns: ajv tells them apart by it. */
  toString(): string {
    return `/${this.source}/${this.flags}`;
  }
}
