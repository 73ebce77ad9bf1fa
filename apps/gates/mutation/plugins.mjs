// What `npm run mutation` adds to Stryker: a checker that lets a random sample of the mutants through, the same one for the
// same seed; an ignorer that leaves texts for people alone; a runner that loads the SDK once; and a reporter of each result.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { performance } from "node:perf_hooks";
import {
  commonTokens,
  declareFactoryPlugin,
  declareValuePlugin,
  PluginKind,
} from "@stryker-mutator/api/plugin";
import esbuild from "esbuild";
import { load, run } from "./harness.mjs";

/**
 * Settings, as `npm run mutation` passes them: percent of the mutants (0-100), and the seed; and the file in which each
 * result is a line of JSON as soon as it is known.
 */
export const strykerValidationSchema = {
  type: "object",
  properties: {
    resultsAsTheyCome: { type: "string" },
    sample: {
      type: "object",
      properties: { percent: { type: "number", minimum: 0, maximum: 100 }, seed: { type: "string" } },
      required: ["percent", "seed"],
    },
  },
};

/** Where in the sample's order a mutant stands, 0 to 100: by what it is, not by when it is asked for. */
function place({ fileName, location, mutatorName, replacement }, seed) {
  const file = fileName.replace(/^.*?\/(?=(?:policies|packages)\/)/, "");
  const identity = JSON.stringify([seed, file, location, mutatorName, replacement]);
  return (createHash("sha256").update(identity).digest().readUInt32BE(0) / 2 ** 32) * 100;
}

class Sample {
  constructor({ sample }) {
    this.sample = sample;
  }

  async init() {}

  async check(mutants) {
    const { percent, seed } = this.sample;
    return Object.fromEntries(
      mutants.map((mutant) => [
        mutant.id,
        place(mutant, seed) < percent
          ? { status: "passed" }
          : { status: "compileError", reason: "not in the sample" },
      ]),
    );
  }

  async group(mutants) {
    return [mutants.map(({ id }) => id)];
  }
}

/** Properties whose texts people read, which no program depends on. */
const PROSE = /^(?:message|title|description|why|remediation|url|allowed|reason)$/;

const prose = {
  shouldIgnore(node) {
    const isText = node.isStringLiteral() || node.isTemplateLiteral();
    const key = isText && node.parentPath?.isObjectProperty() ? node.parent.key : undefined;
    return PROSE.test(key?.name ?? key?.value ?? "") ? "a text for people" : undefined;
  },
};

/** Tests that need no engine, server or process: those of isolation first, which fail soonest. */
const ISOLATION = ["isolation", "rules", "rules.isolation"];
const POLICIES = ["rules", "armLimits", "tools", "statement", "isolation"];
const FOLDER = "test/policies";

class Runner {
  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    globalThis.__stryker__ ??= {};
    const names = [...new Set([...ISOLATION, ...POLICIES])];
    this.bundles = new Map();
    for (const name of names) {
      const file = path.resolve(FOLDER, `.${name}.mutation.cjs`);
      await esbuild.build({
        entryPoints: [`${FOLDER}/${name}.test.ts`],
        outfile: file,
        absWorkingDir: process.cwd(),
        bundle: true,
        platform: "node",
        packages: "external",
        logLevel: "silent",
      });
      this.bundles.set(name, file);
    }
  }

  async dryRun() {
    const tests = [];
    const namespace = globalThis.__stryker__;
    namespace.mutantCoverage = { static: {}, perTest: {} };
    for (const [name, file] of this.bundles) {
      const loaded = load(file);
      let started = 0;
      await run(loaded, {
        before: (test) => {
          started = performance.now();
          namespace.currentTestId = `${name} ${test.name}`;
        },
        after: (test, error) => {
          namespace.currentTestId = undefined;
          const id = `${name} ${test.name}`;
          const timeSpentMs = performance.now() - started;
          tests.push(
            error
              ? { id, name: id, timeSpentMs, status: 1, failureMessage: error.message }
              : { id, name: id, timeSpentMs, status: 0 },
          );
        },
      });
    }
    return { status: "complete", tests, mutantCoverage: namespace.mutantCoverage };
  }

  async mutantRun({ activeMutant, testFilter, mutantActivation, hitLimit, sandboxFileName }) {
    const namespace = globalThis.__stryker__;
    namespace.hitLimit = hitLimit;
    namespace.hitCount = hitLimit ? 0 : undefined;
    namespace.currentTestId = undefined;
    const wanted = testFilter && new Set(testFilter);
    let nrOfTests = 0;
    let failed;
    for (const name of sandboxFileName.includes("/packages/isolation/") ? ISOLATION : POLICIES) {
      if (wanted && ![...wanted].some((id) => id.startsWith(`${name} `))) continue;
      try {
        // What is computed when it is loaded must be computed by the mutant.
        namespace.activeMutant = mutantActivation === "static" ? activeMutant.id : undefined;
        const tests = load(this.bundles.get(name)).filter(
          (test) => wanted?.has(`${name} ${test.name}`) ?? true,
        );
        namespace.activeMutant = activeMutant.id;
        await run(tests, {
          bail: true,
          after: (test, error) => {
            nrOfTests++;
            if (error) failed ??= { id: `${name} ${test.name}`, message: error.message };
          },
        });
      } catch (error) {
        failed ??= { id: `${name} load`, message: String(error) };
      } finally {
        namespace.activeMutant = undefined;
      }
      if (failed) break;
    }
    if (hitLimit && namespace.hitCount > hitLimit) return { status: "timeout", reason: "hit limit" };
    return failed
      ? { status: "killed", killedBy: [failed.id], failureMessage: failed.message, nrOfTests }
      : { status: "survived", nrOfTests };
  }

  async dispose() {
    for (const file of this.bundles.values()) fs.rmSync(file, { force: true });
  }
}

/** Writes each result down when it comes: a run of hours that is cut short has told what it saw. */
class AsTheyCome {
  constructor({ resultsAsTheyCome }) {
    this.file = resultsAsTheyCome;
  }

  onMutantTested({ fileName, location, mutatorName, replacement, status, static: isStatic, killedBy }) {
    if (!this.file || status === "CompileError" || status === "Ignored") return;
    const result = { fileName, location, mutatorName, replacement, status, static: isStatic, killedBy };
    fs.appendFileSync(this.file, `${JSON.stringify(result)}\n`);
  }
}

const asTheyCome = (options) => new AsTheyCome(options);
asTheyCome.inject = [commonTokens.options];
const sample = (options) => new Sample(options);
sample.inject = [commonTokens.options];
const runner = () => new Runner();
runner.inject = [];

export const strykerPlugins = [
  declareFactoryPlugin(PluginKind.Checker, "sample", sample),
  declareValuePlugin(PluginKind.Ignore, "prose", prose),
  declareFactoryPlugin(PluginKind.Reporter, "as-they-come", asTheyCome),
  declareFactoryPlugin(PluginKind.TestRunner, "policies", runner),
];
