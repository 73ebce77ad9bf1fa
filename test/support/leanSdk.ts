/**
 * Pulumi's SDK loads the compiler to serialise functions, which no test does, and every test file loads the SDK anew.
 * What a test does need of it is loaded when it is used.
 */
function lazy(load: () => object): object {
  let loaded: object | undefined;
  const module = (): object => (loaded ??= load());
  return new Proxy(
    {},
    {
      // What asks for it wraps everything else, and a wrapper would copy, and thereby load, what is in the module.
      get: (_, name) => (name === "__esModule" && !loaded ? true : Reflect.get(module(), name)),
      has: (_, name) => name in module(),
      ownKeys: () => Reflect.ownKeys(module()),
      getOwnPropertyDescriptor: (_, name) => {
        const found = Object.getOwnPropertyDescriptor(module(), name);
        return found && { ...found, configurable: true };
      },
    },
  );
}

jest.mock("typescript", () => lazy(() => jest.requireActual("typescript")));
