import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { stackNames } from "../stacks/files";

const ROOT = path.join(__dirname, "..");

/** A line that crosses a border, the room it stands in, and the words of the rule that stops it. */
const CROSSINGS: [string, string, string][] = [
  ["infra/x.ts", 'import "../packages/alerting/render/statusPage";', "is inside alerting"],
  ["packages/wire/x.ts", 'export * from "../isolation/judge";', "is inside isolation"],
  ["infra/x.ts", 'import "../stacks/config";', "Components know neither stacks nor policies nor the runner"],
  [
    "infra/x.ts",
    'import "../packages/emulated-azure/model";',
    "The program never depends on what emulates the cloud",
  ],
  ["infra/x.ts", 'import "@pulumi/azure-native";', "Import a submodule"],
  ["infra/x.ts", 'export const x = "prod";', "A component knows no stack's name"],
  ["infra/x.ts", "export const x = process.env.HOME;", "Components read no environment"],
  ["infra/x.ts", 'console.log("x");', "no-console"],
  [
    "infra/x.ts",
    'import * as pulumi from "@pulumi/pulumi"; export const x = new pulumi.Config();',
    "Only stacks/config.ts reads the configuration",
  ],
  [
    "infra/x.ts",
    "declare const o: any, Server: any; o.apply(() => new Server());",
    "A resource made inside apply",
  ],
  ["stacks/x.ts", "declare const Server: any; Server.get();", "Resource.get() reads what another stack owns"],
  [
    "stacks/x.ts",
    'import * as pulumi from "@pulumi/pulumi"; new pulumi.StackReference("x");',
    "past every policy",
  ],
  [
    "stacks/x.ts",
    'import * as pulumi from "@pulumi/pulumi"; export const x = pulumi.dynamic;',
    "A dynamic resource runs code",
  ],
  ["stacks/x.ts", 'import "node:child_process";', "The program declares resources"],
  ["stacks/x.ts", 'void fetch("x");', "fetches nothing"],
  ["stacks/x.ts", 'import "../apps/recovery/cli";', "The program stands alone"],
  ["policies/rules/x.ts", 'import "@pulumi/pulumi";', "Rules are pure functions"],
  ["packages/isolation/x.ts", 'import "@pulumi/policy";', "Rules are pure functions"],
  ["packages/isolation/x.ts", 'import "../../stacks/files";', "they know none of them"],
  ["packages/emulated-azure/arm/x.ts", 'import "../../../policies/arm/armLimits";', "they know none of them"],
  ["packages/emulated-azure/x.ts", 'import "../offline-engine/urn";', "they know none of them"],
  ["packages/offline-engine/x.ts", 'import "../../policies/pack/build";', "they know none of them"],
  ["packages/local-servers/x.ts", 'import "../../apps/recovery/errors";', "they know none of them"],
  ["stacks/tripwire.ts", 'import "../policies/pack/waivers";', "The program stands alone"],
  ["apps/recovery/x.ts", 'import "../../packages/isolation/rule";', "The runner ships alone"],
  [
    "policies/x.ts",
    "declare const PolicyPack: any; new PolicyPack();",
    "Only policies/index.ts constructs the pack",
  ],
  [
    "policies/x.ts",
    'import "../packages/emulated-azure/model";',
    "The program never depends on what emulates the cloud",
  ],
  ["apps/recovery/x.ts", 'import "../../infra/naming";', "The runner ships alone"],
  ["test/x.test.ts", 'import fc from "fast-check";', "what it draws comes again"],
  ["test/x.test.ts", "export const x = Math.random();", "it comes again"],
  ["apps/recovery/x.ts", 'import "../operations/rights";', "each knows those before it only"],
  ["apps/operations/ground/x.ts", 'import "../../tools/docs/runbook";', "each knows those before it only"],
  ["apps/gates/x.ts", 'import "../rehearsal/engine";', "each knows those before it only"],
  ["apps/recovery/commands/x.ts", 'import "../../../stacks/files";', "The runner ships alone"],
];

test("every border of the rooms is kept by a lint rule, and the rules leave honest code alone", () => {
  const script = `
    import { ESLint } from "eslint";
    const eslint = new ESLint({
      // Types are not needed to see a border, and the files do not exist.
      overrideConfig: [{
        files: ["**/*.ts"],
        languageOptions: { parserOptions: { projectService: false } },
        rules: Object.fromEntries(["no-floating-promises", "no-misused-promises", "await-thenable", "no-base-to-string", "restrict-template-expressions"].map((rule) => ["@typescript-eslint/" + rule, "off"])),
      }],
    });
    const results = [];
    for (const [file, text] of JSON.parse(process.argv[1])) {
      const [{ messages }] = await eslint.lintText(text, { filePath: file });
      results.push(messages.map(({ ruleId, message }) => ruleId + ": " + message));
    }
    console.log(JSON.stringify(results));`;
  const lint = (files: [string, string][]): string[][] =>
    JSON.parse(
      execFileSync(process.execPath, ["--input-type=module", "-e", script, JSON.stringify(files)], {
        cwd: ROOT,
        encoding: "utf8",
      }),
    ) as string[][];
  const honest: [string, string][] = [
    [
      "infra/x.ts",
      'import * as pulumi from "@pulumi/pulumi"; import { carve } from "./addressing"; export const x = [pulumi, carve];',
    ],
    ["stacks/x.ts", 'import "../infra/naming"; export const map = new Map([["a", 1]]).get("a");'],
    ["policies/rules/x.ts", 'import "../../packages/isolation/rule";'],
    ["apps/tools/docs/x.ts", 'import "../../operations/rights";'],
    ["apps/recovery/x.ts", 'import "./settings"; console.log(process.env.HOME);'],
  ];
  const found = lint([...CROSSINGS.map(([file, text]): [string, string] => [file, text]), ...honest]);
  CROSSINGS.forEach(([file, text, words], index) => {
    expect([file, text, found[index]]).toEqual([
      file,
      text,
      expect.arrayContaining([expect.stringContaining(words)]),
    ]);
  });
  expect(found.slice(CROSSINGS.length)).toEqual(honest.map(() => []));
}, 180_000);

/** Every file that is committed or could be, of a kind. */
function sources(folder: string): string[] {
  return fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (/^(node_modules|bin|\.build)$/.test(entry.name)) return [];
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return sources(file);
    return /\.(ts|mjs|cjs)$/.test(entry.name) ? [file] : [];
  });
}

test("every package says what it is for, and exports what others use and nothing else", () => {
  const imported = new Set(
    ["apps", "packages", "infra", "stacks", "policies"]
      .flatMap(sources)
      .flatMap((file) =>
        [
          ...fs
            .readFileSync(path.join(ROOT, file), "utf8")
            .matchAll(/(?:from|import|require)\s*\(?"(\.[^"]+)"/g),
        ]
          .map(([, at = ""]) => path.join(path.dirname(file), at))
          .filter((at) => at.split("/")[1] !== file.split("/")[1] || !file.startsWith("packages/")),
      ),
  );
  for (const name of fs.readdirSync(path.join(ROOT, "packages"))) {
    const folder = path.join("packages", name);
    const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, folder, "package.json"), "utf8")) as {
      description?: string;
      exports: Record<string, string>;
    };
    expect([name, manifest.description]).toEqual([name, expect.stringMatching(/\w/)]);
    expect([
      name,
      fs.readFileSync(path.join(ROOT, folder, "README.md"), "utf8").split("\n").length < 50,
    ]).toEqual([name, true]);
    for (const [entry, file] of Object.entries(manifest.exports)) {
      expect([name, file, fs.existsSync(path.join(ROOT, folder, file))]).toEqual([name, file, true]);
      expect([name, entry, imported.has(path.join(folder, entry))]).toEqual([name, entry, true]);
    }
  }
});

test("what a file exports, another one uses", () => {
  const files = ["apps", "control", "infra", "packages", "policies", "stacks", "test"].flatMap(sources);
  const texts = files.map((file) => ({ file, text: fs.readFileSync(path.join(ROOT, file), "utf8") }));
  /** In how many files a word stands. */
  const uses = new Map<string, number>();
  for (const { text } of texts)
    for (const word of new Set(text.match(/[A-Za-z_$][\w$]*/g))) uses.set(word, (uses.get(word) ?? 0) + 1);
  const unused = texts
    // What a plug-in of a library exports, the library looks for.
    .filter(({ file }) => file.endsWith(".ts") && !file.startsWith("test/"))
    .flatMap(({ file, text }) =>
      [...text.matchAll(/^export (?:async )?(?:function\*?|const|(?:abstract )?class) ([\w$]+)/gm)]
        .filter(([, name = ""]) => uses.get(name) === 1)
        .map(([, name]) => `${file}: ${name}`),
    );
  expect(unused).toEqual([]);
}, 60_000);

test("no two files need each other, by however many others", () => {
  const files = new Set(["apps", "packages", "infra", "stacks", "policies"].flatMap(sources));
  const needs = (file: string): string[] =>
    [
      ...fs
        .readFileSync(path.join(ROOT, file), "utf8")
        .matchAll(/^(?:import|export)\s[^;]*?from\s+"(\.[^"]+)"/gm),
    ].flatMap(([, at = ""]) => {
      const target = path.join(path.dirname(file), at);
      return [`${target}.ts`, path.join(target, "index.ts")].filter((one) => files.has(one));
    });
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, above: readonly string[]): void => {
    if (above.includes(file)) circles.push([...above.slice(above.indexOf(file)), file].join(" → "));
    if (done.has(file) || above.includes(file)) return;
    for (const next of needs(file)) visit(next, [...above, file]);
    done.add(file);
  };
  files.forEach((file) => visit(file, []));
  expect(circles).toEqual([]);
});

test("whether a package may run something when it is installed is decided for each that wants to", () => {
  const read = (file: string) => JSON.parse(fs.readFileSync(path.join(ROOT, file), "utf8")) as never;
  const { packages }: { packages: Record<string, { hasInstallScript?: true }> } = read("package-lock.json");
  const { allowScripts }: { allowScripts: Record<string, boolean> } = read("package.json");
  const wanting = Object.entries(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([folder]) => folder.replace(/^.*node_modules\//, ""));
  expect(Object.keys(allowScripts).sort()).toEqual([...new Set(wanting)].sort());
});

/** What stands at the top beside the rooms: what a tool, GitHub or a reader looks for there and nowhere else. */
const TOP_FILES = [
  ...[".editorconfig", ".gitignore", ".npmrc", ".nvmrc", ".prettierignore", ".prettierrc.json"],
  ...["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"],
  ...["eslint.config.mjs", "eslint.faces.mjs", "jest.config.js", "jest.long.config.js", "tsconfig.json"],
  ...["Pulumi.yaml", "package-lock.json", "package.json"],
];

test("nothing stands at the top but the rooms of docs/architecture.md and what is looked for there", () => {
  const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  const top = new Set(
    tracked
      .trim()
      .split("\n")
      .map((file) => file.replace(/\/.*/s, "/")),
  );
  const page = fs.readFileSync(path.join(ROOT, "docs/architecture.md"), "utf8");
  const rooms = [...page.matchAll(/^\| `([^`]+\/)` +\|/gm)].map(([, room = ""]) => room);
  const stackFiles = stackNames(ROOT).map((stack) => `Pulumi.${stack}.yaml`);
  expect([...top].sort()).toEqual([...rooms, ...TOP_FILES, ...stackFiles].sort());
});
