import { invalid, type Fault } from "../../model/errors.ts";
import type { RunOptions } from "../../model/batch.ts";
import type { Clock } from "../../model/clock.ts";
import { RUN_OPTION_NAMES, runOptions } from "../../model/run-options.ts";
import { didYouMean, faultsOf } from "../../model/schema-faults.ts";
import { ONLINE, OPENAI_BATCH, runsUpstream } from "../../model/upstream.ts";
import { defaultKind, possibleKinds } from "../../operations/kinds.ts";
import type { Operation } from "../../operations/operation.ts";
import type { Registry } from "../../operations/registry.ts";
import type { Providers } from "../../providers/providers.ts";
import { lanesPerChunk, ownOptions, sharedOptions } from "../options.ts";
import type { CreateRequest } from "../service.ts";

/** What a request asks for, with everything that it leaves open decided. */
export interface CheckedRequest {
  operation: Operation;
  /** The operation's own, parsed by its schema. */
  options: unknown;
  run: RunOptions;
  /** One sentence each. */
  warnings: string[];
  executor: string;
  /** Channels that hear of the end. */
  notify: string[];
}

interface RulesParts {
  registry: Registry;
  clock: Clock;
  providers: Pick<Providers, "list">;
  /** Notification channels that exist. */
  channels: (tenant: string) => readonly string[];
  /** Those used for `notifyOnComplete: true`. */
  defaultChannels: (tenant: string) => readonly string[];
}

/** What a request may ask for, given what exists here: operations, executors, providers and channels. */
export class RequestRules {
  private readonly parts: RulesParts;

  constructor(parts: RulesParts) {
    this.parts = parts;
  }

  /** Everything that can be known without looking at items: all faults at once. */
  check(tenant: string, request: CreateRequest, hasItems: boolean): CheckedRequest {
    const operation = this.parts.registry.get(request.operation);
    const given = request.options ?? {};
    const faults: Fault[] = [];
    const run = runOptions.safeParse(sharedOptions(given));
    if (!run.success) faults.push(...under("options", faultsOf(run.error, runOptions, sharedOptions(given))));
    const own = operation.options.safeParse(ownOptions(given));
    if (!own.success) faults.push(...under("options", faultsOf(own.error, operation.options, ownOptions(given)).map(withRunNames)));
    else
      faults.push(
        ...(operation.check?.(own.data, executorOf(operation, given, own.data)) ?? []).map((fault) => ({
          ...fault,
          path: fault.path.startsWith("options") ? fault.path : `options.${fault.path}`,
        })),
      );
    if (run.success) {
      faults.push(...this.checkRun(operation, own.data, run.data as RunOptions, request, hasItems));
      faults.push(...this.channelFaults(tenant, run.data as RunOptions));
    }
    if (faults.length > 0) throw invalid(faults);

    const shared = { ...(run.data as RunOptions) };
    const executor = onlyAnnounced(request, hasItems) ? "external" : executorOf(operation, shared, own.data);
    const notify =
      shared.notifyOnComplete === true
        ? [...this.parts.defaultChannels(tenant)]
        : Array.isArray(shared.notifyOnComplete)
          ? shared.notifyOnComplete
          : [];
    return {
      operation,
      options: own.data,
      run: shared,
      warnings: [
        ...(own.success ? (operation.warnings?.(own.data, executor) ?? []) : []),
        ...withoutEffect(request, shared, hasItems, runsUpstream(executor)),
      ],
      executor,
      notify,
    };
  }

  private channelFaults(tenant: string, { notifyOnComplete }: RunOptions): Fault[] {
    const known = this.parts.channels(tenant);
    const named = Array.isArray(notifyOnComplete) ? notifyOnComplete : [];
    return named
      .filter((channel) => !known.includes(channel))
      .map((channel) => ({
        path: "options.notifyOnComplete",
        code: "unknown_channel",
        message: `There is no channel '${channel}'; known: ${known.join(", ")}`,
      }));
  }

  private checkRun(operation: Operation, options: unknown, run: RunOptions, request: CreateRequest, hasItems: boolean): Fault[] {
    const faults: Fault[] = [];
    const kinds = possibleKinds(operation);
    const executor = executorOf(operation, run, options);
    if (run.executor !== undefined && !kinds.some((kind) => kind === run.executor)) {
      faults.push({
        path: "options.executor",
        code: "invalid_value",
        message: `'${run.executor}' cannot run ${operation.name}; possible: ${kinds.join(", ")}`,
      });
    }
    const largest = callsWithChunks(operation, executor) ? lanesPerChunk(run.concurrency) : undefined;
    if (largest !== undefined && run.batchSize !== undefined && run.batchSize > largest) {
      const message = `${operation.name} gets whole chunks, whose items all count as running; with concurrency ${run.concurrency} a batchSize of at most ${largest} fits`;
      faults.push({ path: "options.batchSize", code: "out_of_range", message });
    }
    if (run.rateLimit?.requestsPerMinute !== undefined && run.executor === "external") {
      faults.push({
        path: "options.rateLimit.requestsPerMinute",
        code: "not_supported",
        message: "External workers set their own pace; leave rateLimit out",
      });
    }
    if (runsUpstream(executor) && kinds.includes(OPENAI_BATCH) && !this.parts.providers.list().some(({ batch }) => batch)) {
      const message =
        "No model provider with a batch API is configured; add one to `providers` in batchyard.config with batch: true, or set OPENAI_API_KEY";
      faults.push({ path: "options.executor", code: "provider_not_configured", message });
    }
    if (run.deadline !== undefined && Date.parse(run.deadline) <= this.parts.clock.now()) {
      faults.push({ path: "options.deadline", code: "out_of_range", message: "The deadline has already passed" });
    }
    if (run.hedgeMs !== undefined && (run.deadline === undefined || executor !== OPENAI_BATCH)) {
      const message = "Only batches of the executor openai-batch that have a deadline can be hedged; set both, or leave hedgeMs out";
      faults.push({ path: "options.hedgeMs", code: "not_supported", message });
    }
    if (run.budgetUsd !== undefined && operation.free === true) {
      faults.push({
        path: "options.budgetUsd",
        code: "not_supported",
        message: `${operation.name} has no price, so budgetUsd cannot be kept; leave it out`,
      });
    }
    if (executor === ONLINE && kinds.includes(ONLINE)) faults.push(...this.onlineFaults(operation, options));
    if (run.rateLimit?.tokensPerMinute !== undefined && executor !== ONLINE) {
      faults.push({
        path: "options.rateLimit.tokensPerMinute",
        code: "not_supported",
        message: `${operation.name} counts no tokens; use requestsPerMinute`,
      });
    }
    if (hasItems && request.input !== undefined) {
      faults.push({ path: "input", code: "invalid_value", message: "Give items or input, not both" });
    }
    if (
      request.total_items !== undefined &&
      run.executor !== undefined &&
      run.executor !== "external" &&
      !hasItems &&
      request.input === undefined
    ) {
      faults.push({
        path: "total_items",
        code: "invalid_value",
        message: "Items that are only announced are reported from outside; leave executor out or make it 'external'",
      });
    }
    return faults;
  }

  /** Somebody has to be there who can be asked. */
  private onlineFaults(operation: Operation, options: unknown): Fault[] {
    const online = this.parts.providers.list().filter((provider) => provider.online);
    const name = operation.requests?.asked?.(options)?.provider ?? null;
    if (name === null ? online.length > 0 || operation.requests?.isOwn !== undefined : online.some((provider) => provider.name === name))
      return [];
    const cure = "configure it as one of `providers` in batchyard.config";
    const message =
      name === null
        ? `No model provider is configured; ${cure}, or set OPENAI_API_KEY`
        : `the provider '${name}' is not configured on this server; ${cure}${online.length === 0 ? "" : `, or use ${online.map((each) => `'${each.name}'`).join(", ")}`}`;
    return [{ path: name === null ? "options.executor" : "options.provider", code: "provider_not_configured", message }];
  }
}

/** What a request says and nothing will heed, one sentence each. */
function withoutEffect(request: CreateRequest, run: RunOptions, hasItems: boolean, upstream: boolean): string[] {
  const said: string[] = [];
  if (hasItems && Object.keys(request.filters ?? {}).length > 0)
    said.push("filters choose records of a collection; they have no effect on items that come with the request");
  if (request.total_items !== undefined && !onlyAnnounced(request, hasItems))
    said.push("total_items has no effect where the items themselves are given; they are counted");
  if (request.priority !== undefined && run.priority !== undefined && request.priority !== run.priority) {
    said.push(`priority ${request.priority} of the request wins over options.priority ${run.priority}`);
  }
  if (upstream) {
    for (const name of ["concurrency", "timeout", "rateLimit"] as const)
      if (run[name] !== undefined) said.push(`${name} has no effect on requests that go through a provider's batch API`);
  }
  return said;
}

/** Who runs a batch: as it says, as its operation's options say, or as the operation is run. */
function executorOf(operation: Operation, run: { executor?: unknown }, options: unknown): string {
  return (
    (typeof run.executor === "string" ? run.executor : undefined) ??
    (options === undefined ? undefined : operation.requests?.asked?.(options)?.executor) ??
    defaultKind(operation)
  );
}

/** Items that have no payload here: only their number is known, and outside workers report their results by key. */
export function onlyAnnounced(request: CreateRequest, hasItems: boolean): boolean {
  return request.total_items !== undefined && !hasItems && request.input === undefined;
}

/** Does a call of the handler take a whole chunk? Then all its items are in flight at once. */
export function callsWithChunks(operation: Operation, executor: string): boolean {
  return (
    executor !== "external" &&
    executor !== ONLINE &&
    !runsUpstream(executor) &&
    operation.processItem === undefined &&
    operation.thread === undefined
  );
}

function under(path: string, faults: readonly Fault[]): Fault[] {
  return faults.map((fault) => ({ ...fault, path: fault.path === "" ? path : `${path}.${fault.path}` }));
}

/** A mistyped option of every batch is no option of the operation; the hint knows both. */
function withRunNames(fault: Fault): Fault {
  if (fault.code !== "unknown_field" || fault.message.includes("did you mean")) return fault;
  const meant = didYouMean(fault.path, RUN_OPTION_NAMES);
  return meant === null ? fault : { ...fault, message: `${fault.message}; did you mean '${meant}'?` };
}
