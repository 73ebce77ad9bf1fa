import { SECRET_CATALOG, type SecretEntry } from "../../../infra/secrets/secretCatalogue";
import type { Made } from "./made";
import { formed, literal, type Making, oneOf, prose, refuse, scaffold, someStack } from "./scaffold";

export interface NewSecret {
  readonly source: string;
  readonly reader: readonly string[];
  readonly variable: string;
  readonly contentType: string;
  readonly rotationDays: string;
  readonly rotation: string;
}

export const SECRET_SOURCES = ["generated", "config", "external"] as const;

/** Bytes of a generated value: 256 bits. */
const RANDOM_BYTES = 32;
/** Days: a month at least, so that a rotation can be planned; two years at most, as long as Azure's baseline lets a secret live. */
const ROTATION = { least: 30, most: 730 };

/** Who reads secrets that every environment has. */
export function readers(): string[] {
  return [...new Set(SECRET_CATALOG.filter(({ only }) => !only).flatMap((entry) => entry.readers))].sort();
}

/** The list of secrets that whoever deploys an environment puts into its vaults. */
const DEPLOYING = ["docs/deploying.md", /for name in [a-z0-9 -]+(?=; do\n\s*npm run -s secret)/] as const;

/** What comes next: an operator brings the value, but where the program makes it. */
const NEXT: Readonly<Record<string, (name: string, stack: string) => string>> = {
  generated: () => "its value comes with the next update",
  config: (name, stack) =>
    `pulumi config set --stack ${stack} --secret --path 'forma3d:secretValues.${name}': its value, in each environment`,
  external: (name, stack) => `npm run secret -- ${stack} ${name}: its value, in each environment`,
};

/** A secret of the catalogue: made or expected in each region's vault, and read by the workloads that are named. */
export async function newSecret(making: Making, name: string, wanted: NewSecret): Promise<Made> {
  refuse(problems(name, wanted));
  const entry = {
    name,
    source: wanted.source,
    rotationDays: Number(wanted.rotationDays),
    readers: wanted.reader,
    variable: wanted.variable,
    contentType: wanted.contentType,
    ...(wanted.source === "generated" && { randomBytes: RANDOM_BYTES }),
    rotation: wanted.rotation,
  } as SecretEntry;
  return scaffold(
    making,
    async (sources) => {
      await sources.add("infra/secrets/secretCatalogue.ts", ["SECRET_CATALOG"], literal(entry));
      if (wanted.source === "external") await sources.change(...DEPLOYING, (list) => `${list} ${name}`);
    },
    [
      NEXT[wanted.source]?.(name, someStack(making.root)) ?? "",
      "npx jest test/infra/data.test.ts test/infra/pure.test.ts",
    ],
  );
}

function problems(name: string, wanted: NewSecret): string[] {
  const days = Number(wanted.rotationDays);
  const taken = SECRET_CATALOG.filter((entry) =>
    wanted.reader.some((reader) => (entry.readers as readonly string[]).includes(reader)),
  ).find(({ variable }) => variable === wanted.variable);
  return [
    ...formed(
      "secret",
      name,
      /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
      "lower-case letters, digits and single hyphens",
    ),
    ...(name.length > 127 ? [`secret ${name}: allowed: at most 127 characters`] : []),
    ...(SECRET_CATALOG.some((entry) => entry.name === name)
      ? [`secret ${name}: exists; allowed: a name of its own`]
      : []),
    ...oneOf("--source", wanted.source, SECRET_SOURCES),
    ...wanted.reader.flatMap((reader) => oneOf("--reader", reader, readers())),
    ...formed("--variable", wanted.variable, /^[A-Z][A-Z0-9_]*$/, "capitals, digits and underscores"),
    ...(taken ? [`--variable ${wanted.variable}: ${taken.name} is read as it; allowed: one of its own`] : []),
    ...(/^\d+$/.test(wanted.rotationDays) && days >= ROTATION.least && days <= ROTATION.most
      ? []
      : [`--rotation-days ${wanted.rotationDays}: allowed: ${ROTATION.least} to ${ROTATION.most}`]),
    ...prose({ "--content-type": wanted.contentType }, false),
    ...prose({ "--rotation": wanted.rotation }, true),
  ];
}
