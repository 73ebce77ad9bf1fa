/** An alias for the name azure-native gave a type in another API version. */
const API_VERSION_ALIAS = /^azure-native:[\w./]+\/v\d{8}\w*:\w+$/;

interface Options {
  readonly aliases?: readonly { readonly type?: string }[];
}

let applied = false;

/**
 * Takes out of the SDK what costs a plan most of its time and memory and adds nothing to it: debug messages, of which
 * the SDK sends several for each resource, one after the other; a chain of promises for each of the twenty names
 * a type had in other API versions, which matter to an existing state only; and what the SDK keeps with every promise to
 * explain, when the process ends, which never settled: a plan notices that by itself.
 * The first call must come before the SDK's index is loaded, which copies what it exports.
 *
 * @param traces Keeps stack traces, to find out where an error comes from.
 */
export function leanSdk(traces: boolean): void {
  if (!traces) {
    Object.defineProperty(Error, "stackTraceLimit", {
      get: () => 0,
      set: () => undefined,
      configurable: true,
    });
  }
  if (applied) return;
  applied = true;
  /* eslint-disable @typescript-eslint/no-require-imports -- an import would give a copy, which cannot be changed */
  const log = require("@pulumi/pulumi/log") as { debug: () => Promise<void> };
  const debuggable = require("@pulumi/pulumi/runtime/debuggable") as {
    debuggablePromise: (promise: Promise<unknown>) => Promise<unknown>;
  };
  const resource = require("@pulumi/pulumi/resource") as {
    mergeOptions: (first?: Options, second?: Options) => Options;
  };
  /* eslint-enable @typescript-eslint/no-require-imports */
  log.debug = () => Promise.resolve();
  debuggable.debuggablePromise = (promise) => promise;
  const { mergeOptions } = resource;
  resource.mergeOptions = (first, second) => {
    const aliases = second?.aliases;
    const onlyVersions =
      Array.isArray(aliases) &&
      Object.keys(second as object).length === 1 &&
      aliases.every(({ type }: { type?: string }) => API_VERSION_ALIAS.test(type ?? ""));
    return mergeOptions(first, onlyVersions ? {} : second);
  };
}

/** Undoes the part of {@link leanSdk} that the rest of the process would notice. */
export function restoreTraces(limit = 10): void {
  Object.defineProperty(Error, "stackTraceLimit", {
    value: limit,
    writable: true,
    configurable: true,
    enumerable: true,
  });
}
