/**
 * TypeScript's compiler, which Pulumi's SDK loads to serialise functions and no plan asks for, is loaded when it is first
 * used: a plan's process is 25 MiB smaller without it, and so is the pack's.
 */
const Module = require("node:module");

/** Stands in for a module that is loaded when anything is asked of it. */
function late(load) {
  return new Proxy(
    {},
    {
      get: (_, name) => Reflect.get(load(), name),
      has: (_, name) => name in load(),
      ownKeys: () => Reflect.ownKeys(load()),
      getOwnPropertyDescriptor: (_, name) => {
        const found = Object.getOwnPropertyDescriptor(load(), name);
        return found && { ...found, configurable: true };
      },
    },
  );
}

/** Must come before the SDK is loaded; where the compiler is there already, or is not at all, it changes nothing. */
function lateCompiler() {
  const sdk = Module.createRequire(require.resolve("@pulumi/pulumi/package.json"));
  let file;
  try {
    file = sdk.resolve("typescript");
  } catch {
    return; // The SDK then takes the one it brings.
  }
  if (require.cache[file]) return;
  let compiler;
  const standIn = new Module(file);
  standIn.filename = file;
  standIn.loaded = true;
  standIn.exports = late(() => {
    if (compiler) return compiler;
    delete require.cache[file];
    return (compiler = sdk(file));
  });
  require.cache[file] = standIn;
}

module.exports = { lateCompiler };
