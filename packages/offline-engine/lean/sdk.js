/**
 * Takes out of Pulumi's SDK what costs a plan most of its time and memory and adds nothing to it. Plain JavaScript,
 * because a process can be told to load it before anything else ({@link ./prepare.js}).
 */
const Module = require("node:module");

/** What the SDK loads to serialise functions: 10 MB of source, more than half of the time it takes to load. */
const SERIALISERS = ["typescript", "@npmcli/arborist"];

/** With what drives the engine, which no program does that the engine runs. */
const SELDOM_USED = new Set([...SERIALISERS, "./automation"]);

/** An alias for the name azure-native gave a type in another API version. */
const API_VERSION_ALIAS = /^azure-native:[\w./]+\/v\d{8}\w*:\w+$/;

/** Loads a module when something of it is used for the first time. */
function lazy(load) {
  let loaded;
  const module = () => (loaded ??= load());
  return new Proxy(
    {},
    {
      // What asks for it wraps everything else, and a wrapper would copy, and thereby load, what is in the module.
      get: (_, name) => (name === "__esModule" && !loaded ? true : module()[name]),
      has: (_, name) => name in module(),
      ownKeys: () => Reflect.ownKeys(module()),
      getOwnPropertyDescriptor: (_, name) => {
        const found = Object.getOwnPropertyDescriptor(module(), name);
        return found && { ...found, configurable: true };
      },
    },
  );
}

function loadSeldomUsedLater() {
  const load = Module._load;
  Module._load = function (request, parent, isMain) {
    return SELDOM_USED.has(request) && /@pulumi[\\/]pulumi[\\/]/.test(parent?.filename ?? "")
      ? lazy(() => load.call(this, request, parent, isMain))
      : load.call(this, request, parent, isMain);
  };
}

let applied = false;

/**
 * Leaves out modules that only the serialisation of functions needs, until it does; debug messages, of which the SDK
 * sends several for each resource, one after the other; a chain of promises for each of the twenty names a type had in
 * other API versions, which matter to an existing state only; and what the SDK keeps with every promise to explain,
 * when the process ends, which never settled. The first call must come before the SDK's index is loaded, which copies
 * what it exports.
 */
function slim() {
  if (applied) return;
  applied = true;
  loadSeldomUsedLater();
  const log = require("@pulumi/pulumi/log");
  const debuggable = require("@pulumi/pulumi/runtime/debuggable");
  const resource = require("@pulumi/pulumi/resource");
  log.debug = () => Promise.resolve();
  debuggable.debuggablePromise = (promise) => promise;
  const { mergeOptions } = resource;
  resource.mergeOptions = (first, second) => {
    const aliases = second?.aliases;
    const onlyVersions =
      Array.isArray(aliases) &&
      Object.keys(second).length === 1 &&
      aliases.every(({ type }) => API_VERSION_ALIAS.test(type ?? ""));
    return mergeOptions(first, onlyVersions ? {} : second);
  };
}

/** Lets errors be made without stack traces, whatever limit is set. */
function dropTraces() {
  Object.defineProperty(Error, "stackTraceLimit", {
    get: () => 0,
    set: () => {},
    configurable: true,
  });
}

/** Undoes {@link dropTraces}. */
function restoreTraces(limit = 10) {
  Object.defineProperty(Error, "stackTraceLimit", {
    value: limit,
    writable: true,
    configurable: true,
    enumerable: true,
  });
}

module.exports = { SERIALISERS, lazy, slim, dropTraces, restoreTraces };
