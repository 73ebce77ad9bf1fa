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
  // Published as ES modules only.
  transformIgnorePatterns: [
    "/node_modules/(?!(@kubernetes/client-node|@marcbachmann/cel-js|agent-base|http-proxy-agent|https-proxy-agent|socks-proxy-agent|commander|uuid|openid-client|oauth4webapi|jose|rfc4648|jsonpath-plus)/)",
  ],
  modulePathIgnorePatterns: ["<rootDir>/.build/", "<rootDir>/policies/bin/"],
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
