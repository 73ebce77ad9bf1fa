import fs from "node:fs";
import path from "node:path";
import type { Made } from "./made";
import { formed, kebab, literal, type Making, oneOf, prose, refuse, scaffold, someStack } from "./scaffold";

export interface NewComponent {
  /** One sentence: what it is for. */
  readonly about: string;
  /** `KEY=value`, what it holds to begin with. */
  readonly setting: readonly string[];
}

const COMPOSITION = "stacks/compute.ts";
/** Where the drawn architecture shows a component. */
const PICTURE = "apps/tools/render/architecture.ts";
const COMPOSED_IN = "regionCompute";

function settingsOf(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]),
  );
}

/**
 * A component of every cluster that computes: its file, its place in the composition, and a test of what it promises. It
 * holds settings that pods read, and is made to hold more.
 */
export async function newComponent(making: Making, place: string, wanted: NewComponent): Promise<Made> {
  const [domain = "", thing = ""] = place.split("/");
  const domains = fs
    .readdirSync(path.join(making.root, "infra"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const file = `infra/${domain}/${thing}.ts`;
  const test = `test/infra/${thing}.test.ts`;
  refuse([
    ...formed(
      "component",
      place,
      /^[^/]+\/[a-z][A-Za-z0-9]*$/,
      "<domain>/<thing>, such as workloads/printerSettings",
    ),
    ...oneOf("domain", domain, domains),
    ...[file, test]
      .filter((one) => fs.existsSync(path.join(making.root, one)))
      .map((one) => `component ${place}: ${one} exists; allowed: a name of its own`),
    ...prose({ "--about": wanted.about }, true),
    ...wanted.setting.flatMap((text) =>
      formed(
        "--setting",
        text,
        /^[A-Z][A-Z0-9_]*=[^\n]+$/,
        "KEY=value, the key in capitals, digits and underscores",
      ),
    ),
  ]);
  const name = thing.charAt(0).toUpperCase() + thing.slice(1);
  const settings = literal(settingsOf(wanted.setting));
  return scaffold(
    making,
    async (sources) => {
      await sources.write(file, component(domain, name, thing, wanted.about));
      await sources.addImport(COMPOSITION, `import { ${name} } from "../infra/${domain}/${thing}";`);
      await sources.addStatement(
        COMPOSITION,
        COMPOSED_IN,
        `new ${name}(\`\${place.name}-${kebab(thing)}\`, { product: PRODUCT, namespace: place.namespace.namespace, settings: ${settings} }, place.opts);`,
      );
      await sources.add(PICTURE, ["PLACES"], `"forma3d:${domain}:${name}": "services"`);
      await sources.write(test, promise(name, thing, settings));
    },
    [
      `${file}: what else it is made of; children are named \${name}-<noun> and have it as parent`,
      `${PICTURE}: where the drawn architecture shows it, among the services to begin with`,
      `${COMPOSITION}: what it gets; a value that differs between environments gets a key in stacks/schema/`,
      `npx jest ${test} test/golden.test.ts test/conventions.test.ts`,
      `npm run plan -- ${someStack(making.root)} --full`,
    ],
  );
}

function component(domain: string, name: string, thing: string, about: string): string {
  return `import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap";
import * as pulumi from "@pulumi/pulumi";
import { platformLabels } from "../kubernetes/labels";

export interface ${name}Args {
  product: string;
  namespace: pulumi.Input<string>;
  /** What pods read, by key; never a secret. */
  settings: Readonly<Record<string, string>>;
}

/** ${about} */
export class ${name} extends pulumi.ComponentResource {
  /** Name of the ConfigMap its settings are in. */
  readonly settings: pulumi.Output<string>;

  constructor(name: string, args: ${name}Args, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:${domain}:${name}", name, {}, opts);
    const settings = new ConfigMap(
      \`\${name}-settings\`,
      {
        metadata: {
          name: "${kebab(thing)}",
          namespace: args.namespace,
          labels: platformLabels(args.product),
        },
        data: args.settings,
      },
      { parent: this },
    );
    this.settings = settings.metadata.name;
    this.registerOutputs({ settings: this.settings });
  }
}
`;
}

function promise(name: string, thing: string, settings: string): string {
  return `import path from "node:path";
import { readStacks } from "../../stacks/files";
import { planStack } from "../support/plan";

test.each(Object.entries(readStacks(path.join(__dirname, "../.."))))(
  "%s: ${name} is in every cluster that computes, with exactly its settings",
  async (stack, { regions }) => {
    const plan = await planStack(stack, { resolve: true });
    const computing = Object.values(regions).filter((region) => region && region.role !== "lost");
    const found = plan.ofType("kubernetes:core/v1:ConfigMap", "-${kebab(thing)}-settings");
    expect(found.map(({ inputs }) => inputs.data)).toEqual(computing.map(() => (${settings})));
  },
);
`;
}
