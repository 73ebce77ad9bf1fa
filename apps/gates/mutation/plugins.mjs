// What `npm run mutation` adds to Stryker: a checker that lets a random sample of the mutants through, the same one for the
// same seed; an ignorer that leaves texts for people alone; a runner that starts no process; and a reporter of each result.
import { createHash } from "node:crypto";
import fs from "node:fs";
import {
  commonTokens,
  declareFactoryPlugin,
  declareValuePlugin,
  PluginKind,
} from "@stryker-mutator/api/plugin";
import { Runner } from "./runner.mjs";

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

/** Writes each result down when it comes: a run of hours that is cut short has told what it saw. */
class AsTheyCome {
  constructor({ resultsAsTheyCome }) {
    this.file = resultsAsTheyCome;
  }

  onMutantTested({
    fileName,
    location,
    mutatorName,
    replacement,
    status,
    statusReason,
    static: isStatic,
    killedBy,
  }) {
    if (!this.file || status === "CompileError" || status === "Ignored") return;
    const mutant = { fileName, location, mutatorName, replacement, static: isStatic };
    const result = { ...mutant, status, statusReason, killedBy };
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
