import { FederatedIdentityCredential } from "@pulumi/azure-native/managedidentity/federatedIdentityCredential";
import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity";
import * as pulumi from "@pulumi/pulumi";
import { Region } from "../regions";
import { Tags } from "../tags";

export interface PipelineIdentityArgs {
  identityName: string;
  region: Region;
  resourceGroupName: pulumi.Input<string>;
  /** GitHub repository, `owner/name`, whose workflows may act as it. */
  repository: string;
  /** GitHub environment it is for, which decides on branches and reviewers. */
  environment: string;
  tags: Tags;
}

/** Issuer of the tokens of GitHub's workflows. */
const GITHUB = "https://token.actions.githubusercontent.com";

/** An identity without a password that workflows of one environment of a repository act as. Costs nothing. */
export class PipelineIdentity extends pulumi.ComponentResource {
  readonly principalId: pulumi.Output<string>;
  readonly clientId: pulumi.Output<string>;

  constructor(name: string, args: PipelineIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("forma3d:control:PipelineIdentity", name, {}, opts);
    const { identityName, resourceGroupName } = args;
    const identity = new UserAssignedIdentity(
      `${name}-identity`,
      { resourceName: identityName, resourceGroupName, location: args.region, tags: args.tags },
      { parent: this },
    );
    this.principalId = identity.principalId;
    this.clientId = identity.clientId;
    new FederatedIdentityCredential(
      `${name}-github`,
      {
        federatedIdentityCredentialResourceName: `github-${args.environment}`,
        resourceName: identity.name,
        resourceGroupName,
        issuer: GITHUB,
        subject: `repo:${args.repository}:environment:${args.environment}`,
        audiences: ["api://AzureADTokenExchange"],
      },
      { parent: this },
    );
    this.registerOutputs({ principalId: this.principalId });
  }
}
