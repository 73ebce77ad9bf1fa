import { ResourceGroup } from "@pulumi/azure-native/resources/resourceGroup";
import * as pulumi from "@pulumi/pulumi";
import { Tags } from "../tags";
import { ControlNames, PIPELINE_PURPOSES, PipelinePurpose, RUNNER_PURPOSES, runnerSubnetId } from "./names";
import { PipelineIdentity } from "./pipelineIdentities";
import { RunnerNetwork } from "./runnerNetwork";
import { RunnerJobs, Runners } from "./runners";
import { StateHome } from "./stateHome";

/** Runners of the environment's own. */
export interface OwnRunners {
  /** What takes the jobs, see {@link Runners}; left out, there is the network they will stand in, and its address. */
  jobs?: RunnerJobs;
}

export interface ControlPlaneArgs {
  names: ControlNames;
  subscriptionId: string;
  tenantId: string;
  allowedRanges: readonly string[];
  /** GitHub repository, `owner/name`. */
  repository: string;
  /** GitHub environment of each identity. */
  environments: Readonly<Record<PipelinePurpose, string>>;
  /** Left out, the pipelines run on GitHub's machines. */
  runners?: OwnRunners;
  /** Days logs of the state's homes are kept. */
  logDays: number;
  protect: boolean;
  tags: Tags;
}

/**
 * What an environment is deployed from: a home of its state in a region that does not serve, a copy in another, and the
 * identities of its pipelines. Losing the region that serves takes none of it away; losing the home stops
 * deployments and nothing else, and the copy takes over.
 */
export class ControlPlane extends pulumi.ComponentResource {
  /** The pipelines' identities: what they sign in with, and what rights are given to. */
  readonly identities: Record<PipelinePurpose, PipelineIdentity>;
  /** Address the runners' traffic comes from; where there are any of its own. */
  readonly runnerAddress?: pulumi.Output<string>;

  constructor(name: string, args: ControlPlaneArgs, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:control:ControlPlane", name, {}, opts);
    const { names, tags, protect, logDays, subscriptionId, tenantId, allowedRanges, runners } = args;
    const here = { parent: this };
    const network =
      runners && new RunnerNetwork(`${name}-runners-network`, { names: names.runners, tags }, here);
    const group = new ResourceGroup(
      `${name}-identities-group`,
      { resourceGroupName: `rg-${names.prefix}`, location: names.home.region, tags },
      here,
    );
    const identity = (purpose: PipelinePurpose) =>
      new PipelineIdentity(
        `${name}-${purpose}`,
        {
          identityName: names.identities[purpose],
          region: names.home.region,
          resourceGroupName: group.name,
          repository: args.repository,
          environment: args.environments[purpose],
          tags,
        },
        here,
      );
    const identities = Object.fromEntries(
      PIPELINE_PURPOSES.map((purpose) => [purpose, identity(purpose)]),
    ) as Record<PipelinePurpose, PipelineIdentity>;
    const { preview, read, copy, deploy } = identities;
    const subnets = network
      ? RUNNER_PURPOSES.map((purpose) => ({
          id: runnerSubnetId(subscriptionId, names.runners, purpose),
          made: network.subnets[purpose],
        }))
      : [];
    const common = { subscriptionId, tenantId, allowedRanges, subnets, logDays, protect, tags };
    const home = new StateHome(
      `${name}-home`,
      {
        ...common,
        names: names.home,
        writers: { deploy: deploy.principalId },
        readers: { preview: preview.principalId, read: read.principalId, copy: copy.principalId },
      },
      here,
    );
    new StateHome(
      `${name}-copy`,
      {
        ...common,
        names: names.copy,
        writers: { deploy: deploy.principalId, copy: copy.principalId },
        // Once the home is lost the copy is the state, and nobody may have to give rights then.
        readers: { preview: preview.principalId, read: read.principalId },
      },
      here,
    );
    if (runners?.jobs && network) {
      const { repository, environments } = args;
      new Runners(
        `${name}-runners`,
        {
          ...runners.jobs,
          allowedRanges,
          names: names.runners,
          subscriptionId,
          repository,
          environment: environments.deploy,
          network,
          home,
          vault: names.home.vault,
          tags,
        },
        here,
      );
    }
    this.runnerAddress = network?.address;
    this.identities = identities;
    this.registerOutputs({});
  }
}
