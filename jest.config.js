/** Transpile-only: types are checked once, by `npm run check`. */
module.exports = {
  testEnvironment: "<rootDir>/test/support/environment.js",
  roots: ["<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "\\.long\\.test\\.ts$"],
  transform: {
    "^.+\\.[tj]s$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, sourceMaps: "inline" },
    ],
  },
  transformIgnorePatterns: [
    // Published as ES modules only.
    "/node_modules/(?!(@marcbachmann/cel-js|commander|uuid)/)",
    "/\\.build/",
  ],
  // A thousand modules, which jest would compile and load one by one.
  moduleNameMapper: { "^@kubernetes/client-node$": "<rootDir>/.build/test/kubernetesClient.js" },
  modulePathIgnorePatterns: ["<rootDir>/.build/(?!test/)", "<rootDir>/policies/bin/"],
  // Parameters of each module: looked up on the global object of a test's context, each costs a call out of compiled code. Not
  // those that tests replace (Date), nor those that packages declare for themselves (Buffer, Promise, Set, String, Symbol).
  sandboxInjectedGlobals: [
    "Array",
    "Error",
    "Infinity",
    "JSON",
    "Map",
    "Math",
    "Number",
    "Object",
    "RegExp",
    "Uint8Array",
    "WeakMap",
  ],
  testSequencer: "<rootDir>/test/support/slowestFirst.js",
  globalSetup: "<rootDir>/test/support/globalSetup.js",
  setupFiles: ["<rootDir>/test/support/leanSdk.ts"],
  setupFilesAfterEnv: ["<rootDir>/test/support/untouched.ts"],
  // Two processors: much of what a file does is wait for servers and commands of its own.
  maxWorkers: 4,
  reporters: ["default", "<rootDir>/test/support/closingLine.js"],
  workerIdleMemoryLimit: "512MB",
  // A hang ends; how long honest work takes depends on what else the machine does.
  testTimeout: 180_000,
};
