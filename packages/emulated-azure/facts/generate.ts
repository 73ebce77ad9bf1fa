// Extracts packages/emulated-azure/facts/*.json from what vendors publish: the declarations of the Pulumi SDKs in node_modules, and
// the models of Microsoft's clients, installed in a temporary folder. Run it after an SDK's version has changed.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { buildSync } from "esbuild";
import { writeFile } from "../../command/files";
import { createCommand, runCommand } from "../../command/program";
import { projectRoot } from "../../command/root";
import { Declarations } from "./declarations";
import { armIdentity } from "../model/azure/arm";
import { ARM_TYPES } from "../model/azure/table";
import { annotate, Client } from "./mappers";
import {
  ARM_CLIENTS,
  ARM_PATHS,
  AZURE_TYPES,
  KUBERNETES_KINDS,
  RANDOM_TYPES,
  SEEN_API_VERSIONS,
} from "./sources";
import type { FactResource, Facts } from "./types";
import { clientOperations, pathType, WireCollector, wireOperations } from "./wire";
import type { Wire, WireOperation, WireType } from "./wireTypes";

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

interface Described extends Client {
  readonly operations: readonly WireOperation[];
}

async function installClients(): Promise<Map<string, Described>> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "arm-clients-"));
  try {
    fs.writeFileSync(path.join(folder, "package.json"), "{}");
    const wanted = Object.entries(ARM_CLIENTS).map(([name, release]) => `${name}@${release}`);
    execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", ...wanted], {
      cwd: folder,
      stdio: "inherit",
    });
    const clients = new Map<string, Described>();
    for (const name of Object.keys(ARM_CLIENTS)) {
      const home = path.join(folder, "node_modules", name);
      const outfile = path.join(folder, `${name.replaceAll("/", "-")}-operations.cjs`);
      const operations = wireOperations(await clientOperations(home, outfile));
      clients.set(name, { ...loadClient(folder, name), operations });
    }
    return clients;
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
      contents: `export * as models from "./mappers.js"; export * as parameters from "./parameters.js";`,
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

/** Requests about what the model holds, of every client; the same request of two clients keeps each API version. */
function keptOperations(clients: ReadonlyMap<string, Described>): WireOperation[] {
  const types = new Set(Object.values(ARM_TYPES).map((one) => armIdentity(one).armType.toLowerCase()));
  const wanted = (operation: WireOperation): boolean => {
    const type = pathType(operation.path).toLowerCase();
    const above = type.slice(0, type.lastIndexOf("/"));
    return types.has(type) || types.has(above) || ARM_PATHS.some((pattern) => pattern.test(operation.path));
  };
  return [...clients.values()]
    .flatMap(({ operations }) => operations.filter(wanted))
    .sort((a, b) => (`${a.path} ${a.method}` < `${b.path} ${b.method}` ? -1 : 1));
}

/** Class a client reads a resource of a type as. */
function readClass(client: Described, armType: string): string | undefined {
  const type = armType.toLowerCase();
  return client.operations.find(
    ({ method, path: at, reads }) =>
      method === "GET" && reads && at.endsWith("}") && pathType(at).toLowerCase() === type,
  )?.reads;
}

async function azure(): Promise<{ azure: Facts; wire: Wire }> {
  const folder = path.join(root, "node_modules/@pulumi/azure-native");
  const declarations = new Declarations(folder);
  const clients = await installClients();
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
  const { shapes, outputs } = declarations;
  const sources = { "@pulumi/azure-native": version(folder), ...ARM_CLIENTS };
  return {
    azure: { sources, resources, shapes, outputs },
    wire: wire(folder, declarations, resources, clients),
  };
}

function wire(
  folder: string,
  declarations: Declarations,
  resources: Readonly<Record<string, FactResource>>,
  clients: ReadonlyMap<string, Described>,
): Wire {
  const collector = new WireCollector(declarations);
  const types: Record<string, WireType> = {};
  const operations = keptOperations(clients);
  for (const [module, classes] of Object.entries(AZURE_TYPES)) {
    for (const [className, source] of Object.entries(classes)) {
      const token = `azure-native:${module}:${className}`;
      const resource = resources[token] as FactResource;
      const [name = "", written = ""] = source.split("/");
      const client = clients.get(`@azure/arm-${name}`);
      const definition = ARM_TYPES[`${module}:${className}`];
      const { armType = "", idInputs } = definition ? armIdentity(definition) : {};
      const read = client && (readClass(client, armType) ?? written);
      collector.input(resource.inputs, client?.models[written], client, true, idInputs);
      const asked = operations
        .filter(({ path: at }) => pathType(at).toLowerCase() === armType.toLowerCase())
        .flatMap(({ apiVersion }) => (apiVersion ? [apiVersion] : []));
      const listed = declarations.apiVersions[`${moduleOf(folder, module, className)}/${className}`] ?? [];
      const seen = SEEN_API_VERSIONS[armType.split("/")[0] ?? ""] ?? [];
      types[token] = {
        apiVersions: [...new Set([...listed, ...asked, ...seen])].sort(),
        outputs: collector.output(resource.outputs, client?.models[read ?? ""], client, true),
      };
    }
  }
  const differing = <T extends object>(names: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(names).filter(([, entry]) => Object.keys(entry).length > 0));
  return {
    types,
    inputs: differing(collector.inputs),
    outputs: differing(collector.outputs),
    operations: operations.map(({ reads, ...operation }) => (void reads, operation)),
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
function format(facts: Facts | Wire): string {
  const line = (key: string, value: unknown): string =>
    `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`;
  const section = (entries: object): string =>
    Array.isArray(entries)
      ? `[\n${entries.map((entry) => `    ${JSON.stringify(entry)}`).join(",\n")}\n  ]`
      : `{\n${Object.entries(entries)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, value]) => line(key, value))
          .join(",\n")}\n  }`;
  const sections = Object.entries(facts).map(
    ([name, entries]) => `  "${name}": ${section(entries as object)}`,
  );
  return `{\n${sections.join(",\n")}\n}\n`;
}

async function generate(): Promise<void> {
  const extracted = { ...(await azure()), kubernetes: kubernetes(), random: random() };
  for (const [name, facts] of Object.entries(extracted)) {
    const file = path.join(root, `packages/emulated-azure/facts/${name}.json`);
    const text = format(facts);
    writeFile(file, text);
    console.log(`${path.relative(root, file)}: ${Math.round(text.length / 1024)} KiB`);
  }
}

export async function main(): Promise<void> {
  await runCommand(
    createCommand(
      "facts",
      "Extracts what the emulated Azure knows of each resource type from the SDKs and Microsoft's clients; needs npm's registry.",
      { 0: "written", 1: "a client or a class is missing" },
    ).action(generate),
  );
}
