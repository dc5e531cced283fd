import type { Config } from "../config.ts";
import { BatchyardError, type Fault } from "../model/errors.ts";
import { readPatch, type PatchedField } from "./patch.ts";
import { RuntimeFile } from "./runtime-file.ts";
import { HIDDEN_FIELDS, pathOf, SETTING_FIELDS, type SettingValue } from "./table.ts";

const MASK = "********";

export interface SettingChange {
  /** `category.field` */
  path: string;
  from: SettingValue;
  to: SettingValue;
}

/**
 * The configuration as it is in force, and the one place where it changes while the server runs. Changes come one after the
 * other: each is checked against what the one before it left, written, and only then in force.
 */
export class Settings {
  private config: Config;
  private readonly file: RuntimeFile;
  private readonly listeners = new Set<(now: Config, before: Config) => void>();
  private readonly failed: (error: unknown) => void;
  private line: Promise<unknown> = Promise.resolve();

  constructor(options: { config: Config; failed: (error: unknown) => void }) {
    this.config = options.config;
    this.failed = options.failed;
    this.file = new RuntimeFile(options.config.data);
  }

  current(): Config {
    return this.config;
  }

  /** Calls `listener` after every change, when `current()` has it; the returned function ends it. */
  onChange(listener: (now: Config, before: Config) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Categories with their fields; secrets only as set or not. */
  view(): Record<string, Record<string, SettingValue | null>> {
    const shown = Object.entries(SETTING_FIELDS).map(
      ([category, fields]) =>
        [category, Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.of(this.config)]))] as const,
    );
    const hidden = Object.entries(HIDDEN_FIELDS).map(([name, of]) => [name, of(this.config) === null ? null : MASK] as const);
    return { ...Object.fromEntries(shown), connections: Object.fromEntries(hidden) };
  }

  /** Fields that the process environment or a command-line flag decides: they cannot be changed here. */
  overridden(): string[] {
    return Object.entries(SETTING_FIELDS).flatMap(([category, fields]) =>
      Object.entries(fields)
        .filter(([, { name }]) => this.isOverridden(name))
        .map(([field]) => `${category}.${field}`),
    );
  }

  /**
   * Takes a nested subset; returns what is different now. Throws settings_invalid with every fault, of single values and of
   * the state that would result, overridden_by_env or settings_not_saved; then nothing has changed.
   */
  change(patch: Readonly<Record<string, unknown>>): Promise<SettingChange[]> {
    const { fields, faults } = readPatch(patch);
    if (faults.length > 0) return Promise.reject(invalidSettings(faults));
    if (fields.length === 0) return Promise.resolve([]);
    const result = this.line.then(() => this.apply(fields));
    this.line = result.catch(() => undefined);
    return result;
  }

  /** The configuration that a patch would lead to, and the paths it gives. Changes nothing; throws what `change` would. */
  async resulting(patch: Readonly<Record<string, unknown>>): Promise<{ config: Config; paths: string[] }> {
    const { fields, faults } = readPatch(patch);
    if (faults.length > 0) throw invalidSettings(faults);
    this.refuseFixed(fields);
    return { config: resulting(this.config, await this.runtimeWith(fields), fields), paths: fields.map(({ path }) => path) };
  }

  private async runtimeWith(fields: readonly PatchedField[]): Promise<Record<string, string>> {
    return { ...(await this.file.read()), ...Object.fromEntries(fields.map(({ name, text }) => [name, text])) };
  }

  private refuseFixed(fields: readonly PatchedField[]): void {
    const fixed = fields.filter(({ name }) => this.isOverridden(name));
    if (fixed.length === 0) return;
    const errors = fixed.map(({ path, name }): Fault => ({
      path,
      message: `is set by ${name} of the environment or a flag`,
      code: "overridden_by_env",
    }));
    throw new BatchyardError("overridden_by_env", { path: fixed[0]!.path, name: fixed[0]!.name }, { errors });
  }

  private async apply(fields: readonly PatchedField[]): Promise<SettingChange[]> {
    this.refuseFixed(fields);
    const before = this.config;
    const runtime = await this.runtimeWith(fields);
    const now = resulting(before, runtime, fields);
    await this.file.write(runtime);
    this.config = now;
    for (const listener of this.listeners) {
      try {
        listener(now, before);
      } catch (error) {
        this.failed(error);
      }
    }
    return changesBetween(before, now);
  }

  private isOverridden(name: PatchedField["name"]): boolean {
    const origin = this.config.origins[name];
    return origin === "env" || origin === "flag";
  }
}

/** Two settings that bound each other: a fault names those of them that were given. */
const BOUND: readonly string[] = ["BATCH_IDLE_TIMEOUT_SECONDS", "BATCH_WINDOW_SECONDS"];

function resulting(config: Config, runtime: Record<string, string>, fields: readonly PatchedField[]): Config {
  try {
    return config.withRuntime(runtime);
  } catch (error) {
    if (!(error instanceof BatchyardError) || error.code !== "bad_config") throw error;
    throw invalidSettings(
      (error.errors ?? []).flatMap((fault): Fault[] => {
        const given = fields.filter(({ name }) => name === fault.path || (BOUND.includes(name) && BOUND.includes(fault.path)));
        const paths = given.length > 0 ? given.map(({ path }) => path) : [pathOf(fault.path)];
        return paths.map((path) => ({ path, message: `${pathOf(fault.path)} ${fault.message}`, code: "out_of_range" }));
      }),
    );
  }
}

function changesBetween(before: Config, now: Config): SettingChange[] {
  const changes: SettingChange[] = [];
  for (const [category, fields] of Object.entries(SETTING_FIELDS)) {
    for (const [field, { of }] of Object.entries(fields)) {
      const [from, to] = [of(before), of(now)];
      if (JSON.stringify(from) !== JSON.stringify(to)) changes.push({ path: `${category}.${field}`, from, to });
    }
  }
  return changes;
}

function invalidSettings(errors: Fault[]): BatchyardError {
  const shown = errors.slice(0, 3).map(({ path, message }) => `${path}: ${message}`);
  const summary = shown.join("; ") + (errors.length > 3 ? `; and ${errors.length - 3} more` : "");
  return new BatchyardError("settings_invalid", { summary }, { errors });
}
