import { backupAccounts } from "../infra/naming";
import { overlaps } from "../infra/network/addressing";
import { borrowed } from "./borrowed";
import { Named, stackPlatformNames } from "./names";
import type { Problem } from "./problems";
import { addressBlocks, PRODUCT, StackConfig } from "./schema";

/** As much of a configuration as is valid in itself: what is wrong elsewhere in a file hides nothing here. */
export type Sections = Partial<StackConfig>;

const isNamed = (config: Sections): config is Named & Sections =>
  config.shortName !== undefined &&
  config.nameSuffix !== undefined &&
  config.lastingNameSuffix !== undefined &&
  config.regions !== undefined &&
  config.storage !== undefined;

interface Claim {
  readonly path: readonly string[];
  readonly value: string;
  /** Things of this name, where the key is not the name itself. */
  readonly what?: string;
  /** What the key holds, where that is not the name itself. */
  readonly held?: string;
}

function namesClaimed(config: Sections): Claim[] {
  if (!isNamed(config)) return [];
  const names = stackPlatformNames(config);
  const named: [what: string, value: string][] = [
    ["database virtual endpoint", names.virtualEndpoint],
    ...backupAccounts(names).map(({ storageAccount }): [string, string] => [
      "storage account",
      storageAccount,
    ]),
    ...[names.primary, names.secondary].flatMap((region): [string, string][] =>
      region
        ? [
            ["vault", region.vault],
            ["server", region.server],
          ]
        : [],
    ),
  ];
  return named.map(([what, value]) => ({ path: ["shortName"], what, value, held: config.shortName }));
}

/** What two environments must never have in common, with the key it comes from. */
function exclusive(config: Sections): Claim[] {
  const { azure, environment, edge, controlPlane } = config;
  return [
    ...(azure ? [{ path: ["azure", "subscriptionId"], value: azure.subscriptionId.toLowerCase() }] : []),
    ...(environment === undefined ? [] : [{ path: ["environment"], value: environment }]),
    ...namesClaimed(config),
    // Whoever deploys one may not ask about, or change, another.
    ...(controlPlane?.deployObjectId
      ? [{ path: ["controlPlane", "deployObjectId"], value: controlPlane.deployObjectId.toLowerCase() }]
      : []),
    ...(edge
      ? [
          { path: ["edge", "apiHostName"], value: edge.apiHostName },
          { path: ["edge", "dashboardHostName"], value: edge.dashboardHostName },
        ]
      : []),
  ];
}

function blocks({ network }: Sections): ReturnType<typeof addressBlocks> {
  return network ? addressBlocks({ network }) : [];
}

/** Values two configurations have in common, each key once. */
function sharedValues(
  config: Sections,
  other: Sections,
): { path: readonly string[]; found: string; names: string[] }[] {
  const taken = new Set(exclusive(other).map(({ value }) => value));
  const byKey = new Map<string, { path: readonly string[]; found: string; names: string[] }>();
  for (const { path, value, what, held } of exclusive(config)) {
    if (!taken.has(value)) continue;
    const entry = byKey.get(path.join(".")) ?? { path, found: held ?? value, names: [] };
    if (what) entry.names.push(`${what} ${value}`);
    byKey.set(path.join("."), entry);
  }
  return [...byKey.values()];
}

const fileOf = (stack: string): string => `Pulumi.${stack}.yaml`;
const keyOf = ([section, ...rest]: readonly (string | number)[]): (string | number)[] => [
  `${PRODUCT}:${section ?? ""}`,
  ...rest,
];

const inFile = (stack: string, problem: Problem): Problem => ({
  ...problem,
  path: [fileOf(stack), ...keyOf(problem.path)],
});

/** One project lies in one repository, whose workflows deploy all of its stacks: the one the first stack names. */
function differentRepository(
  { controlPlane }: Sections,
  [first]: readonly (readonly [stack: string, config: Sections])[],
): Problem[] {
  const found = controlPlane?.repository;
  const theirs = first?.[1].controlPlane?.repository;
  return !first || !found || !theirs || found.toLowerCase() === theirs.toLowerCase()
    ? []
    : [
        {
          path: ["controlPlane", "repository"],
          found,
          allowed: `${theirs}, as in ${fileOf(first[0])}: the workflows of one repository deploy every stack`,
        },
      ];
}

/** Everything that two of the stacks share and must not, or differ in and must not; said of the later one, with the key of the earlier. */
export function sharingProblems(stacks: readonly (readonly [stack: string, config: Sections])[]): Problem[] {
  return stacks.flatMap(([stack, config], index) => [
    ...differentRepository(config, stacks.slice(0, index)).map((problem) => inFile(stack, problem)),
    ...stacks.slice(0, index).flatMap(([earlier, other]): Problem[] => [
      ...sharedValues(config, other).map(({ path, found, names }) => ({
        path: [fileOf(stack), ...keyOf(path)],
        found,
        allowed: `a value that ${fileOf(earlier)} does not use${names.length > 0 ? `: both would have the ${names.join(", the ")}` : ""}`,
      })),
      ...blocks(config).flatMap((block) =>
        blocks(other)
          .filter((theirs) => overlaps(theirs.cidr, block.cidr))
          .map((theirs) => ({
            path: [fileOf(stack), ...keyOf(block.path)],
            found: block.cidr,
            allowed: `a block that does not overlap ${keyOf(theirs.path).join(".")} of ${fileOf(earlier)} (${theirs.cidr})`,
          })),
      ),
      ...borrowed(config, other).map((problem) => inFile(stack, problem)),
      ...borrowed(other, config).map((problem) => inFile(earlier, problem)),
    ]),
  ]);
}
