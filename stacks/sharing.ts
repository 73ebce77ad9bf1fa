import { overlaps } from "../infra/addressing";
import { Named, stackPlatformNames } from "./names";
import type { Problem } from "./problems";
import { addressBlocks, StackConfig } from "./schema";

/** As much of a configuration as is valid in itself: what is wrong elsewhere in a file hides nothing here. */
export type Sections = Partial<StackConfig>;

const isNamed = (config: Sections): config is Named & Sections =>
  config.shortName !== undefined && config.nameSuffix !== undefined && config.regions !== undefined;

interface Claim {
  readonly path: string;
  readonly value: string;
}

function namesClaimed(config: Sections): Claim[] {
  if (!isNamed(config)) return [];
  const names = stackPlatformNames(config);
  return [
    { path: "shortName (database virtual endpoint)", value: names.virtualEndpoint },
    { path: "shortName (storage account)", value: names.storageAccount },
    ...[names.primary, names.secondary].flatMap((region) =>
      region
        ? [
            { path: "shortName (vault)", value: region.vault },
            { path: "shortName (server)", value: region.server },
          ]
        : [],
    ),
  ];
}

/** What two environments must never have in common, with the key it comes from. */
function exclusive(config: Sections): Claim[] {
  const { azure, environment, edge } = config;
  return [
    ...(azure ? [{ path: "azure.subscriptionId", value: azure.subscriptionId.toLowerCase() }] : []),
    ...(environment === undefined ? [] : [{ path: "environment", value: environment }]),
    ...namesClaimed(config),
    ...(edge
      ? [
          { path: "edge.apiHostName", value: edge.apiHostName },
          { path: "edge.dashboardHostName", value: edge.dashboardHostName },
        ]
      : []),
  ];
}

function blocks({ network }: Sections): ReturnType<typeof addressBlocks> {
  return network ? addressBlocks({ network }) : [];
}

/** Everything that two of the stacks share and must not. */
export function sharingProblems(stacks: readonly (readonly [stack: string, config: Sections])[]): Problem[] {
  return stacks.flatMap(([stack, config], index) =>
    stacks.slice(0, index).flatMap(([earlier, other]): Problem[] => [
      ...exclusive(config).flatMap(({ path: key, value }) =>
        exclusive(other).some((entry) => entry.value === value)
          ? [{ path: [stack, key], found: value, allowed: `a value that stack ${earlier} does not use` }]
          : [],
      ),
      ...blocks(config).flatMap((block) =>
        blocks(other)
          .filter((theirs) => overlaps(theirs.cidr, block.cidr))
          .map((theirs) => ({
            path: [stack, ...block.path],
            found: block.cidr,
            allowed: `a block that does not overlap ${earlier}'s ${theirs.path.join(".")} (${theirs.cidr})`,
          })),
      ),
    ]),
  );
}
