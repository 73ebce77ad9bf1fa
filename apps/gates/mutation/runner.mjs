// Stryker's runner for tests that need no engine, server or process: in this very process, those that soonest notice first.
import path from "node:path";
import { Bundle, COUNTS } from "./bundles.mjs";
import { load, run } from "./harness.mjs";

const FOLDER = "test/policies";
/** Test files by what they are about, those that soonest notice first. */
const ISOLATION = [
  "readings",
  "listed",
  "pack",
  "isolation",
  "rules.isolation",
  "changes",
  "rules",
  "tools",
  "variations.long",
];
const POLICIES = [
  "changes",
  "rules",
  "armLimits",
  "tools",
  "pack",
  "readings",
  "shape",
  "statement",
  "rules.isolation",
  "isolation",
];

/**
 * Tests that take seconds, start processes or have something planned anew, and are about a limit of time, the fixtures
 * themselves, or a sample of what `npm run gate:weaken` tries.
 */
const LEFT_OUT =
  /^(?:inputs nobody writes in good faith, (?:1,000 levels|100,000 leaves|a string)|no message holds what|every isolation rule, .*: the fixtures fail|policy:explain, (?:explains a rule|lists|answers)|no single change that weakens production goes unseen, %s|what production is deployed from is held against its statement, too: %s 1,)/;

/** How often each test noticed a mutant of a file, and how long each test takes. */
class Experience {
  kills = new Map();
  times = new Map();

  noticed(file, id) {
    const of = this.kills.get(file) ?? new Map();
    this.kills.set(file, of.set(id, (of.get(id) ?? 0) + 1));
  }

  /** What noticed most mutants of the file first, then what takes least. */
  order(file, ids) {
    const of = this.kills.get(file);
    const key = (id) => [-(of?.get(id) ?? 0), this.times.get(id) ?? 0];
    return ids
      .map((id) => [id, ...key(id)])
      .sort(([, a, fast], [, b, slow]) => a - b || fast - slow)
      .map(([id]) => id);
  }
}

export class Runner {
  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    globalThis.__stryker__ ??= {};
    this.experience = new Experience();
    this.bundles = new Map();
    for (const name of new Set([...ISOLATION, ...POLICIES])) {
      const bundle = new Bundle(`${FOLDER}/${name}.test.ts`);
      await bundle.open();
      this.bundles.set(name, bundle);
    }
  }

  async dryRun() {
    const tests = [];
    const counts = new Uint32Array(COUNTS);
    globalThis.__stryker__.counts = counts;
    /** What was counted since the last time, by mutant. */
    const counted = () => {
      const found = {};
      counts.forEach((count, id) => {
        if (count > 0) found[id] = count;
      });
      counts.fill(0);
      return found;
    };
    const coverage = { static: {}, perTest: {} };
    for (const [name, bundle] of this.bundles) {
      const loaded = this.testsOf(name, await bundle.countedScript());
      Object.assign(coverage.static, counted());
      await run(loaded, {
        after: ({ id }, error, timeSpentMs) => {
          coverage.perTest[id] = counted();
          const result = { id, name: id, timeSpentMs };
          tests.push(
            error ? { ...result, status: 1, failureMessage: error.message } : { ...result, status: 0 },
          );
        },
      });
    }
    return { status: "complete", tests, mutantCoverage: coverage };
  }

  testsOf(name, script) {
    return load(script)
      .filter((test) => !LEFT_OUT.test(test.name))
      .map((test) => ({ ...test, id: `${name} ${test.name}` }));
  }

  async mutantRun({ activeMutant, testFilter, hitLimit = Infinity, sandboxFileName }) {
    const file = path.resolve(sandboxFileName);
    let hits = 0;
    globalThis.__stryker__.reached = () => {
      if (++hits > hitLimit) throw new Error("the mutant is reached again and again");
      return true;
    };
    const wanted = testFilter && new Set(testFilter);
    let nrOfTests = 0;
    let failed;
    for (const name of file.includes("/packages/isolation/") ? ISOLATION : POLICIES) {
      if (wanted && ![...wanted].some((id) => id.startsWith(`${name} `))) continue;
      const script = await this.bundles.get(name).mutatedScript(file, activeMutant.id);
      if (script === undefined) continue;
      try {
        const tests = new Map(
          this.testsOf(name, script)
            .filter(({ id }) => wanted?.has(id) ?? true)
            .map((test) => [test.id, test]),
        );
        const ordered = this.experience.order(file, [...tests.keys()]).map((id) => tests.get(id));
        await run(ordered, {
          bail: true,
          after: ({ id }, error, timeSpentMs) => {
            nrOfTests++;
            this.experience.times.set(id, timeSpentMs);
            if (error) failed ??= { id, message: error.message };
          },
        });
      } catch (error) {
        failed ??= { id: `${name} load`, message: String(error) };
      }
      if (failed) break;
    }
    if (hits > hitLimit) return { status: "timeout", reason: "hit limit" };
    if (!failed) return { status: "survived", nrOfTests };
    this.experience.noticed(file, failed.id);
    return { status: "killed", killedBy: [failed.id], failureMessage: failed.message, nrOfTests };
  }

  async dispose() {
    for (const bundle of this.bundles.values()) await bundle.close();
  }
}
