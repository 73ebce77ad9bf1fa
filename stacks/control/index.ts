import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { ControlPlane } from "../../infra/control/controlPlane";
import { PIPELINE_PURPOSES } from "../../infra/control/names";
import { azureProvider } from "../../infra/providers";
import { platformTags } from "../../infra/tags";
import { checkControlFile } from "../controlFile";
import { readStackFile } from "../files";
import { deploymentEnvironments, stackControlNames } from "../names";
import { ConfigError } from "../problems";
import { PRODUCT, StackConfig } from "../schema";

/** The platform's stack file of the same name says everything; this program has no values of its own. */
function platformConfig(stack: string): StackConfig {
  const root = path.resolve(process.cwd(), "..");
  try {
    checkControlFile(root, stack);
    return readStackFile(root, stack).config;
  } catch (error) {
    throw error instanceof ConfigError ? new pulumi.RunError(error.message) : error;
  }
}

/** Declares what one environment is deployed from, and returns the stack's outputs. */
function control(stack: string) {
  const config = platformConfig(stack);
  const { controlPlane, azure, environment } = config;
  const names = stackControlNames(config);
  const provider = azureProvider(names.prefix, azure);
  const { identities, runnerAddress } = new ControlPlane(
    names.prefix,
    {
      names,
      subscriptionId: azure.subscriptionId,
      tenantId: azure.tenantId,
      allowedRanges: config.cluster.authorizedIpRanges,
      repository: controlPlane.repository,
      environments: deploymentEnvironments(environment),
      runners: controlPlane.runners,
      logDays: config.logRetentionDays,
      protect: config.protectData,
      tags: platformTags(PRODUCT, environment, config.tags),
    },
    { provider },
  );
  const each = (what: "clientId" | "principalId") =>
    Object.fromEntries(PIPELINE_PURPOSES.map((purpose) => [purpose, identities[purpose][what]]));
  const { home, copy } = names;
  return {
    state: { account: home.storageAccount, vault: home.vault, group: home.resourceGroup },
    copy: { account: copy.storageAccount, vault: copy.vault, group: copy.resourceGroup },
    clientIds: each("clientId"),
    principalIds: each("principalId"),
    runnerAddresses: runnerAddress ? [pulumi.interpolate`${runnerAddress}/32`] : [],
  };
}

/** What docs/deploying.md hands on to the platform's program, to GitHub and to whoever gives rights. */
export const { state, copy, clientIds, principalIds, runnerAddresses } = control(pulumi.getStack());
