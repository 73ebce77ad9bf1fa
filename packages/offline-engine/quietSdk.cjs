/**
 * Leaves out what Pulumi's SDK does for every resource and nobody here looks at, which is half of a plan's time and memory:
 * debug messages, what it keeps with every promise to name those that never settled, and an alias for each API version
 * azure-native ever had of a type, which only an existing state needs. Loaded with `node --require`, it does so in the
 * processes the language host starts to run a program, and in no other.
 */
/** An alias for the name azure-native gave a type in another API version. */
const API_VERSION_ALIAS = /^azure-native:[\w./]+\/v\d{8}\w*:\w+$/;

let applied = false;

/** The first call must come before the SDK's index is loaded, which copies what it exports. */
function quietSdk() {
  if (applied) return;
  applied = true;
  require("@pulumi/pulumi/log").debug = () => Promise.resolve();
  require("@pulumi/pulumi/runtime/debuggable").debuggablePromise = (promise) => promise;
  const resource = require("@pulumi/pulumi/resource");
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

if (/@pulumi[\\/]pulumi[\\/]cmd[\\/]run([\\/]|$)/.test(process.argv[1] ?? "")) quietSdk();

module.exports = { quietSdk };
