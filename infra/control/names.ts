import { nameProblem, type NamedKind } from "../../packages/azure-facts";
import { Region, REGIONS } from "../regions";

/** Names of one home of Pulumi's state. */
export interface StateHomeNames {
  region: Region;
  resourceGroup: string;
  storageAccount: string;
  vault: string;
  logWorkspace: string;
}

/** What an identity of the pipelines is for. */
export const PIPELINE_PURPOSES = ["preview", "read", "copy", "deploy"] as const;

export type PipelinePurpose = (typeof PIPELINE_PURPOSES)[number];

/** What a runner is for: reviewed branches with the right to change things, or branches nobody has reviewed. */
export const RUNNER_PURPOSES = ["deploy", "preview"] as const;

export type RunnerPurpose = (typeof RUNNER_PURPOSES)[number];

/** Names of what runs the pipelines' jobs. */
export interface RunnerNames {
  region: Region;
  resourceGroup: string;
  virtualNetwork: string;
  natGateway: string;
  /** Public address all runners' traffic comes from. */
  outboundAddress: string;
  /** Identity that fetches the key of the GitHub App, and nothing else. */
  identity: string;
  purposes: Record<RunnerPurpose, { environment: string; job: string; securityGroup: string }>;
}

/** Resource id of the identity that fetches the key of the GitHub App. */
export function runnerIdentityId(
  subscriptionId: string,
  { resourceGroup, identity }: Pick<RunnerNames, "resourceGroup" | "identity">,
): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${identity}`;
}

/** Resource id of the subnet a kind of runner stands in. */
export function runnerSubnetId(
  subscriptionId: string,
  { resourceGroup, virtualNetwork }: Pick<RunnerNames, "resourceGroup" | "virtualNetwork">,
  purpose: RunnerPurpose,
): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Network/virtualNetworks/${virtualNetwork}/subnets/${purpose}`;
}

/** Names of an environment's control plane. */
export interface ControlNames {
  prefix: string;
  /** Where state is written. */
  home: StateHomeNames;
  /** Where it is copied to every day. */
  copy: StateHomeNames;
  /**
   * Identities of the pipelines: one for branches nobody has reviewed, one that reads on protected branches, one that
   * copies the state, one that deploys. The first two may do the same, and never act as each other.
   */
  identities: Record<PipelinePurpose, string>;
  runners: RunnerNames;
}

function stateHome(product: string, shortName: string, suffix: string, region: Region): StateHomeNames {
  const { code } = REGIONS[region];
  return {
    region,
    resourceGroup: `rg-${product}-${shortName}-control-${code}`,
    storageAccount: `st${product}${shortName}ctl${code}${suffix}`,
    // Short: a vault's name has 24 letters, the ending of a rebuilt one among them.
    vault: ["kv", product, shortName, `c${code}`, suffix].filter((part) => part !== "").join("-"),
    logWorkspace: `log-${product}-${shortName}-control-${code}`,
  };
}

function runnerNames(stem: string, region: Region): RunnerNames {
  const place = `${stem}-runners-${REGIONS[region].code}`;
  const purpose = (of: RunnerPurpose) => ({
    environment: `cae-${stem}-${of}`,
    job: `job-${stem}-${of}`,
    securityGroup: `nsg-${place}-${of}`,
  });
  return {
    region,
    resourceGroup: `rg-${place}`,
    virtualNetwork: `vnet-${place}`,
    natGateway: `ng-${place}`,
    outboundAddress: `pip-${place}`,
    identity: `id-${stem}-runners`,
    purposes: { deploy: purpose("deploy"), preview: purpose("preview") },
  };
}

/** Derives every name of an environment's control plane. */
export function controlNames(input: {
  product: string;
  shortName: string;
  nameSuffix: string;
  location: Region;
  copy: Region;
}): ControlNames {
  const { product, shortName, nameSuffix, location, copy } = input;
  const stem = `${product}-${shortName}`;
  return {
    prefix: `${stem}-control`,
    home: stateHome(product, shortName, nameSuffix, location),
    copy: stateHome(product, shortName, nameSuffix, copy),
    identities: {
      preview: `id-${stem}-preview`,
      read: `id-${stem}-read`,
      copy: `id-${stem}-copy`,
      deploy: `id-${stem}-deploy`,
    },
    runners: runnerNames(stem, location),
  };
}

/** Every name that breaks an Azure rule, as `key: what is wrong`. */
export function controlNameProblems({ home, copy, identities, runners }: ControlNames): string[] {
  const checks: [string, NamedKind, string][] = [
    ...[home, copy].flatMap((one): [string, NamedKind, string][] => [
      ["storageAccount", "storageAccount", one.storageAccount],
      ["vault", "vault", one.vault],
      ["logWorkspace", "workspace", one.logWorkspace],
    ]),
    ...PIPELINE_PURPOSES.map((purpose): [string, NamedKind, string] => [
      purpose,
      "identity",
      identities[purpose],
    ]),
    ["runners.identity", "identity", runners.identity],
    ...RUNNER_PURPOSES.flatMap((purpose): [string, NamedKind, string][] => [
      [`runners.${purpose}`, "containerApp", runners.purposes[purpose].environment],
      [`runners.${purpose}`, "containerApp", runners.purposes[purpose].job],
    ]),
  ];
  return checks.flatMap(([key, kind, name]) => {
    const problem = nameProblem(kind, name);
    return problem ? [`control.${key}: ${problem}`] : [];
  });
}

/** Container of the state. */
export const STATE_CONTAINER = "pulumi-state";

/** Key that the state's secrets are encrypted with. */
export const STATE_KEY = "pulumi";

/** Days a version of the state can be brought back. */
export const STATE_KEPT_DAYS = 90;

/** Most logs of a day, GiB: every request on the state is a line, and a deployment makes hundreds. */
export const LOG_CAP_GIB = 0.1;
