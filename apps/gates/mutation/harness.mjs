// Runs test files in this very process, again and again, with everything but the project's own code loaded once: as Jest
// does it, each mutant would load the SDK anew. Knows as much of Jest's interface as the tests of the policies use.
import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";
import { expect } from "expect";

const require = createRequire(import.meta.url);

/** Tests of a bundle, in order; loading it registers them. */
export function load(bundle) {
  const tests = [];
  let suites = [];
  const describe = (name, body) => {
    suites = [...suites, { name, beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] }];
    body();
    suites = suites.slice(0, -1);
  };
  const each = (define) => (rows) => (name, body) =>
    rows.forEach((row, at) => {
      const values = Array.isArray(row) ? row : [row];
      define(`${name} ${at}`, () => body(...values));
    });
  const test = (own, body) => {
    const names = [...suites.slice(1).map(({ name }) => name), own];
    tests.push({ name: `${names.join(", ")} [${tests.length}]`, body, suites });
  };
  describe.each = each(describe);
  test.each = each(test);
  const hooks = Object.fromEntries(
    ["beforeAll", "beforeEach", "afterEach", "afterAll"].map((hook) => [
      hook,
      (body) => suites.at(-1)[hook].push(body),
    ]),
  );
  Object.assign(globalThis, { describe, test, it: test, expect, ...hooks });
  delete require.cache[require.resolve(bundle)];
  describe("", () => require(bundle));
  return tests;
}

async function all(bodies) {
  for (const body of bodies) await body();
}

/**
 * Runs tests until one fails, or all of them.
 * @param options `after` is told after each test, with its error where it failed, and how many milliseconds it took
 */
export async function run(tests, { bail, after }) {
  const begun = new Set();
  try {
    for (const test of tests) {
      let error;
      const started = performance.now();
      try {
        for (const suite of test.suites.filter((one) => !begun.has(one))) {
          begun.add(suite);
          await all(suite.beforeAll);
        }
        for (const suite of test.suites) await all(suite.beforeEach);
        await test.body();
      } catch (thrown) {
        error = thrown instanceof Error ? thrown : new Error(String(thrown));
      }
      for (const suite of test.suites.toReversed()) await all(suite.afterEach);
      after(test, error, performance.now() - started);
      if (error && bail) return;
    }
  } finally {
    for (const suite of begun) await all(suite.afterAll).catch(() => {});
  }
}
