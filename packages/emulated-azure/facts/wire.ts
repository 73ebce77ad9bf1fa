import fs from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { Client, find, inner, Mapper, shapeIn } from "./mappers";
import type { FactOutputs, Facts, FactType } from "./types";
import type { WireNames, WireOperation } from "./wireTypes";

/** One request as a client declares it to its serializer. */
interface OperationSpec {
  readonly path: string;
  readonly httpMethod: string;
  readonly responses: Readonly<Record<string, { readonly bodyMapper?: Mapper }>>;
  readonly requestBody?: { readonly mapper: Mapper };
  readonly queryParameters?: readonly Parameter[];
  readonly headerParameters?: readonly Parameter[];
}

interface Parameter {
  readonly parameterPath: unknown;
  readonly mapper: Mapper;
}

/** What a caller may narrow a list by, and may make a change depend on. */
const NARROWING = ["$filter", "$top"];
const CONDITIONS = ["If-Match", "If-None-Match"];

/** Requests of a client by operation group and name, with how its pollers find out about the end. */
export interface ClientOperations {
  readonly apiVersion?: string;
  readonly specs: readonly (OperationSpec & { readonly poll?: string })[];
}

/**
 * Reads the requests a client declares. They are constants of its operation modules that nothing exports, so the
 * modules are bundled with an export added.
 * @param home Folder of the installed package.
 */
export async function clientOperations(home: string, outfile: string): Promise<ClientOperations> {
  const root = ["dist/esm", "dist-esm/src"]
    .map((candidate) => path.join(home, candidate))
    .find((candidate) => fs.existsSync(path.join(candidate, "operations")));
  if (!root) throw new Error(`${home} ships no operations`);
  const files = fs
    .readdirSync(path.join(root, "operations"))
    .filter((name) => name.endsWith(".js") && name !== "index.js");
  const polls = new Map<string, string>();
  await build({
    stdin: {
      contents: files.map((name, i) => `export { specs as s${i} } from "./operations/${name}";`).join("\n"),
      resolveDir: root,
    },
    bundle: true,
    platform: "node",
    format: "cjs",
    outfile,
    logLevel: "error",
    plugins: [
      {
        name: "specs",
        setup: ({ onLoad }) =>
          onLoad({ filter: /[\\/]operations[\\/]\w+\.js$/ }, ({ path: file }) => {
            const text = fs.readFileSync(file, "utf8");
            const names = [...text.matchAll(/^const (\w+OperationSpec) = \{/gm)].map(
              ([, name]) => name as string,
            );
            const lro =
              /spec: (\w+OperationSpec)[\s\S]{0,400}?(?:resourceLocationConfig: "([^"]+)"|return poller)/g;
            for (const [, name = "", kind] of text.matchAll(lro))
              polls.set(`${file} ${name}`, kind ?? "location");
            const entries = names.map((name) => `[${JSON.stringify(`${file} ${name}`)}]: ${name}`);
            return { contents: `${text}\nexport const specs = { ${entries.join(", ")} };`, loader: "js" };
          }),
      },
    ],
  });
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the path is known at run time only
  const modules = Object.values(require(outfile) as Record<string, Record<string, OperationSpec>>);
  const clientFile = fs.readdirSync(root).find((name) => name.endsWith("Client.js")) ?? "";
  const declared = /apiVersion = options\.apiVersion \|\| "([^"]+)"/.exec(
    fs.readFileSync(path.join(root, clientFile), "utf8"),
  );
  return {
    ...(declared && { apiVersion: declared[1] }),
    specs: modules.flatMap((specs) =>
      Object.entries(specs)
        .filter(([, { path: at }]) => at.startsWith("/"))
        .map(([key, spec]) => {
          const poll = polls.get(key);
          return { ...spec, ...(poll && { poll }) };
        }),
    ),
  };
}

/** `Microsoft.Storage/storageAccounts/blobServices/containers` of a path in a client's words; an action is its last part. */
export function pathType(template: string): string {
  const last = template.lastIndexOf("/providers/");
  if (last < 0) return "Microsoft.Resources/subscriptions/resourceGroups";
  const [namespace = "", ...rest] = template.slice(last + 11).split("/");
  return [namespace, ...rest.filter((_, i) => i % 2 === 0)].join("/");
}

/** The requests of a client in the words of the front. */
export function wireOperations({ apiVersion, specs }: ClientOperations): WireOperation[] {
  return specs.map((spec) => {
    const { path: at, httpMethod, responses, requestBody, queryParameters = [], poll } = spec;
    const version = queryParameters
      .map(({ mapper }) => (mapper.serializedName === "api-version" ? mapper.defaultValue : undefined))
      .find((value): value is string => typeof value === "string");
    const status = Object.keys(responses)
      .filter((code) => code !== "default")
      .map(Number);
    const body = requestBody && inner(requestBody.mapper).type.className;
    const known = version ?? apiVersion;
    const takes = [...queryParameters, ...(spec.headerParameters ?? [])]
      .map(({ mapper }) => mapper.serializedName ?? "")
      .filter((name) => [...NARROWING, ...CONDITIONS].includes(name));
    const read = responses["200"]?.bodyMapper;
    const reads = read && inner(read).type.className;
    return {
      method: httpMethod,
      path: at.replace(/\{\w+\}/g, "{}").replace(/\/$/, ""),
      status,
      ...(poll && { poll }),
      ...(body && { body }),
      ...(known && { apiVersion: known }),
      ...(takes.length > 0 && { takes }),
      ...(reads && { reads }),
    };
  });
}

/** Keys an ARM resource has beside its properties (https://github.com/cloud-and-ai-microsoft/resource-provider-contract). */
const ENVELOPE = new Set([
  "id",
  "name",
  "type",
  "location",
  "tags",
  "sku",
  "kind",
  "identity",
  "zones",
  "etag",
  "eTag",
  "systemData",
  "managedBy",
  "plan",
  "extendedLocation",
  "properties",
  "scale",
  "placement",
]);

/** Where a top-level property stands in ARM's JSON when no client describes it. */
function byContract(name: string): string {
  return ENVELOPE.has(name) ? name : `properties.${name}`;
}

/** Collects, for the shapes a resource's properties reach, the names that differ in ARM's JSON. */
export class WireCollector {
  readonly inputs: Record<string, WireNames> = {};
  readonly outputs: Record<string, WireNames> = {};

  constructor(private readonly facts: Pick<Facts, "shapes" | "outputs">) {}

  /**
   * The names of a shape of inputs and of all below it. A shape is described once, by the first that reaches it.
   * @param inPath Inputs that stand in the path of a request and never in its body.
   */
  input(
    shape: string,
    mapper: Mapper | undefined,
    client: Client | undefined,
    top = false,
    inPath: readonly string[] = [],
  ): void {
    if (shape in this.inputs) return;
    const names: WireNames = {};
    this.inputs[shape] = names;
    for (const [name, { type }] of Object.entries(this.facts.shapes[shape] ?? {})) {
      if (inPath.includes(name)) continue;
      const found = mapper && client ? find(mapper, name, client, true) : undefined;
      note(names, name, found, top);
      for (const below of shapesIn(type)) this.input(below, this.below(below, found, client), client);
    }
  }

  /** The same for what the service returns. */
  output(
    outputs: FactOutputs,
    mapper: Mapper | undefined,
    client: Client | undefined,
    top = false,
  ): WireNames {
    const names: WireNames = {};
    for (const [name, below] of Object.entries(outputs)) {
      if (name === "azureApiVersion") continue;
      const found = mapper && client ? find(mapper, name, client) : undefined;
      note(names, name, found, top);
      const described = this.facts.outputs[below];
      if (below === "" || !described || below in this.outputs) continue;
      this.outputs[below] = {};
      this.outputs[below] = this.output(described, this.below(below, found, client), client);
    }
    return names;
  }

  private below(shape: string, found: Mapper | undefined, client: Client | undefined): Mapper | undefined {
    if (!client) return undefined;
    const named =
      shape
        .split(".")
        .pop()
        ?.replace(/(Response)?(Args)?$/, "") ?? "";
    const mapper = found && inner(found);
    const described = client.models[mapper?.type.className ?? ""] ?? mapper;
    // A property of several shapes is described by its base; the shape's own name says which one this is.
    return described && !described.type.polymorphicDiscriminator
      ? described
      : (client.models[named] ?? mapper);
  }
}

function shapesIn(type: FactType): string[] {
  if (typeof type === "object" && "oneOf" in type) return type.oneOf.flatMap(shapesIn);
  const shape = shapeIn(type);
  return shape ? [shape] : [];
}

function note(names: WireNames, name: string, found: Mapper | undefined, top: boolean): void {
  const wire = found?.serializedName ?? (top ? byContract(name) : name);
  if (wire !== name) names[name] = wire;
}
