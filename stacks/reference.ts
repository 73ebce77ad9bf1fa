import { z } from "zod";
import { CONFIG_SECRETS } from "../infra/secrets/secretCatalogue";
import { SECRET_VALUES } from "./pulumiKeys";
import { PRODUCT, stackSchema } from "./schema";

interface Node {
  type?: string;
  /** In words, what the value's pattern accepts. */
  allowed?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Node[];
  minimum?: number;
  maximum?: number;
  minItems?: number;
  pattern?: string;
  format?: string;
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
  additionalProperties?: Node | boolean;
}

function sections(): Record<string, Node> {
  const schema = z.toJSONSchema(stackSchema, { io: "input", unrepresentable: "any" }) as Node;
  return schema.properties ?? {};
}

/** JSON Schema of `Pulumi.<stack>.yaml`, for editors that complete and check YAML. */
export function stackFileSchema(): object {
  const full = z.toJSONSchema(stackSchema, { io: "input", unrepresentable: "any" }) as Node;
  const prefixed = (name: string): string => `${PRODUCT}:${name}`;
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Stack file of the Forma 3D Connect platform",
    type: "object",
    required: ["config"],
    properties: {
      config: {
        type: "object",
        required: (full.required ?? []).map(prefixed),
        additionalProperties: false,
        patternProperties: { "^pulumi:": true },
        properties: {
          ...Object.fromEntries(
            Object.entries(full.properties ?? {}).map(([key, node]) => [prefixed(key), node]),
          ),
          [prefixed(SECRET_VALUES)]: {
            type: "object",
            description: "Encrypted values, written by `pulumi config set --secret`.",
            additionalProperties: false,
            properties: Object.fromEntries(
              CONFIG_SECRETS.map((name) => [
                name,
                {
                  type: "object",
                  required: ["secure"],
                  properties: { secure: { type: "string" } },
                  additionalProperties: false,
                },
              ]),
            ),
          },
        },
      },
      secretsprovider: { type: "string" },
      encryptedkey: { type: "string" },
      encryptionsalt: { type: "string" },
    },
  };
}

function allowed(node: Node): string {
  if (node.allowed) return node.allowed.replaceAll("|", "\\|");
  if (node.anyOf) return node.anyOf.map(allowed).join(", ");
  if (node.const !== undefined) return code(node.const);
  if (node.enum) return node.enum.map(code).join(", ");
  if (node.type === "array") {
    return `list${node.minItems ? ` of at least ${node.minItems}` : ""}${node.items?.type === "object" ? "" : node.items ? ` of ${allowed(node.items)}` : ""}`;
  }
  if (node.type === "integer" || node.type === "number") return range(node);
  if (node.format && node.format !== "regex") return node.format === "uuid" ? "GUID" : node.format;
  if (node.type === "object" && !node.properties) return "map";
  return node.type ?? "text";
}

function range({ minimum, maximum }: Node): string {
  const [low, high] = [minimum, maximum].map((limit) =>
    limit === undefined || Math.abs(limit) >= Number.MAX_SAFE_INTEGER ? undefined : limit,
  );
  if (low !== undefined && high !== undefined) return `${low}-${high}`;
  if (low !== undefined) return `at least ${low}`;
  return high === undefined ? "number" : `at most ${high}`;
}

const code = (value: unknown): string => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

function rows(path: string, node: Node, required: boolean): string[] {
  const inner = node.items?.properties ? node.items : node;
  const fallback =
    node.default !== undefined && Object.keys(Object(node.default)).length > 0 ? code(node.default) : "";
  const shown =
    node.default === "" || (node.default !== undefined && typeof node.default !== "object")
      ? code(node.default)
      : fallback;
  const own = `| \`${path}\` | ${allowed(node)} | ${shown || (required ? "**required**" : "")} | ${(node.description ?? "").replaceAll("|", "\\|")} |`;
  const children = Object.entries(inner.properties ?? {}).flatMap(([key, child]) =>
    rows(`${path}${inner === node ? "" : "[]"}.${key}`, child, inner.required?.includes(key) ?? false),
  );
  return inner.properties && inner === node ? children : [own, ...children];
}

/** `docs/configuration.md`: every key with what is allowed, its default, and what changing it costs. */
export function configurationReference(): string {
  const full = z.toJSONSchema(stackSchema, { io: "input", unrepresentable: "any" }) as Node;
  const body = Object.entries(sections()).map(([key, node]) => {
    const title = node.properties ? [`## ${key}`, "", node.description ?? "", ""] : [`## ${key}`, ""];
    return [
      ...title,
      "| Key | Allowed | Default | Meaning |",
      "|---|---|---|---|",
      ...rows(key, node, full.required?.includes(key) ?? false),
      "",
    ].join("\n");
  });
  return [
    "# Configuration",
    "",
    "<!-- Generated from stacks/schema by `npm run docs`. -->",
    "",
    `Every value of an environment stands in \`Pulumi.<stack>.yaml\`, each key with the prefix \`${PRODUCT}:\`. Unknown keys are errors. All problems of a file are listed at once. A key without a default that is not marked required may be left out.`,
    "",
    ...body,
    `## ${SECRET_VALUES}`,
    "",
    "Values an operator sets; they are encrypted in the stack file. Planning works without them, an update does not.",
    "",
    ...CONFIG_SECRETS.map(
      (name) =>
        `- \`${name}\`: \`pulumi config set --stack <stack> --secret --path '${PRODUCT}:${SECRET_VALUES}.${name}'\``,
    ),
    "",
  ].join("\n");
}
