// Extracts packages/emulated-azure/facts/*.json from what vendors publish: the declarations of the Pulumi SDKs in node_modules, and
// the models of Microsoft's clients, installed in a temporary folder. Run it after an SDK's version has changed.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { buildSync } from "esbuild";
import { projectRoot } from "../../command/root";
import { Declarations } from "./declarations";
import { annotate, Client } from "./mappers";
import { ARM_CLIENTS, AZURE_TYPES, KUBERNETES_KINDS, RANDOM_TYPES } from "./sources";
import type { FactResource, Facts } from "./types";

const root = projectRoot(__dirname);

function version(folder: string): string {
  return (JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")) as { version: string })
    .version;
}

/** Path of a class's declaration without its ending; the SDK's file names differ from class names in case only. */
function moduleOf(folder: string, module: string, className: string): string {
  const file = fs
    .readdirSync(path.join(folder, module))
    .find((name) => name.toLowerCase() === `${className.toLowerCase()}.d.ts`);
  if (!file) throw new Error(`${folder} has no class ${className} in ${module}`);
  return `${module}/${file.slice(0, -".d.ts".length)}`;
}

function installClients(): Map<string, Client> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "arm-clients-"));
  try {
    fs.writeFileSync(path.join(folder, "package.json"), "{}");
    const wanted = Object.entries(ARM_CLIENTS).map(([name, release]) => `${name}@${release}`);
    execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", ...wanted], {
      cwd: folder,
      stdio: "inherit",
    });
    return new Map(Object.keys(ARM_CLIENTS).map((name) => [name, loadClient(folder, name)]));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

function loadClient(folder: string, name: string): Client {
  const home = path.join(folder, "node_modules", name);
  const models = ["dist/esm/models", "dist-esm/src/models"]
    .map((candidate) => path.join(home, candidate))
    .find((candidate) => fs.existsSync(path.join(candidate, "mappers.js")));
  if (!models) throw new Error(`${name} ships no models/mappers.js`);
  const outfile = path.join(folder, `${name.replaceAll("/", "-")}.cjs`);
  buildSync({
    stdin: {
      contents: `export * as models from "./mappers.ts"; export * as parameters from "./parameters.js";`,
      resolveDir: models,
    },
    bundle: true,
    platform: "node",
    format: "cjs",
    outfile,
    logLevel: "error",
  });
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the path is known at run time only
  return require(outfile) as Client;
}

function azure(): Facts {
  const folder = path.join(root, "node_modules/@pulumi/azure-native");
  const declarations = new Declarations(folder);
  const clients = installClients();
  const resources: Record<string, FactResource> = {};
  const annotated = new Set<string>();
  for (const [module, classes] of Object.entries(AZURE_TYPES)) {
    for (const [className, source] of Object.entries(classes)) {
      const resource = declarations.resource(moduleOf(folder, module, className), className);
      resources[`azure-native:${module}:${className}`] = resource;
      if (source === "") continue;
      const [client, model] = source.split("/") as [string, string];
      const described = clients.get(`@azure/arm-${client}`);
      const mapper = described?.models[model];
      if (!described || !mapper) throw new Error(`@azure/arm-${client} describes no ${model}`);
      annotate(declarations.shapes, resource.inputs, mapper, described, annotated);
    }
  }
  return {
    sources: { "@pulumi/azure-native": version(folder), ...ARM_CLIENTS },
    resources,
    shapes: declarations.shapes,
    outputs: declarations.outputs,
  };
}

function kubernetes(): Facts {
  const folder = path.join(root, "node_modules/@pulumi/kubernetes");
  const declarations = new Declarations(folder);
  const resources: Record<string, FactResource> = {};
  for (const [groupVersion, kinds] of Object.entries(KUBERNETES_KINDS)) {
    const [group, apiVersion] = groupVersion.split("/") as [string, string];
    const module = `${group.replace(/\..*$/, "")}/${apiVersion}`;
    for (const kind of kinds) {
      resources[`kubernetes:${groupVersion}:${kind}`] = declarations.resource(
        moduleOf(folder, module, kind),
        kind,
      );
    }
  }
  return {
    sources: { "@pulumi/kubernetes": version(folder) },
    resources,
    shapes: declarations.shapes,
    outputs: declarations.outputs,
  };
}

function random(): Facts {
  const folder = path.join(root, "node_modules/@pulumi/random");
  const declarations = new Declarations(folder);
  const resources: Record<string, FactResource> = {};
  for (const className of RANDOM_TYPES) {
    const module = className[0]?.toLowerCase() + className.slice(1);
    resources[`random:index/${module}:${className}`] = declarations.resource(module, className);
  }
  return {
    sources: { "@pulumi/random": version(folder) },
    resources,
    shapes: declarations.shapes,
    outputs: declarations.outputs,
  };
}

/** One shape or resource a line, sorted: short enough to commit, and a diff shows what a new version changed. */
function format(facts: Facts): string {
  const section = (entries: object): string =>
    Object.entries(entries)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(",\n");
  const sections = Object.entries(facts).map(
    ([name, entries]) => `  "${name}": {\n${section(entries as object)}\n  }`,
  );
  return `{\n${sections.join(",\n")}\n}\n`;
}

for (const [name, extract] of Object.entries({ azure, kubernetes, random })) {
  const file = path.join(root, `packages/emulated-azure/facts/${name}.json`);
  const text = format(extract());
  fs.writeFileSync(file, text);
  console.log(`${path.relative(root, file)}: ${Math.round(text.length / 1024)} KiB`);
}
