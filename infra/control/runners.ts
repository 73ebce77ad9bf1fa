import { Job } from "@pulumi/azure-native/app/job";
import { ManagedEnvironment } from "@pulumi/azure-native/app/managedEnvironment";
import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/userAssignedIdentity";
import * as pulumi from "@pulumi/pulumi";
import { assignRole } from "../identity/roles";
import { diagnostics } from "../monitoring/diagnostics";
import { contains } from "../network/addressing";
import { REGIONS } from "../regions";
import { Tags } from "../tags";
import { runnerIdentityId, RunnerNames, RUNNER_PURPOSES, RunnerPurpose } from "./names";
import { RunnerNetwork } from "./runnerNetwork";
import {
  appKeyAddress,
  GITHUB_APP_SECRET,
  JIT_FILE,
  KEY_FILE,
  RUNNER_LIMITS,
  runnerLabel,
} from "./runnerSettings";
import { StateHome } from "./stateHome";

/** What runs, and on whose behalf it asks GitHub. */
export interface RunnerJobs {
  /** Image of apps/runner, pinned by digest. */
  image: string;
  /** GitHub App that makes runners of the organization, and its installation there. */
  app: { id: number; installationId: number };
  /** Runner group of the organization they join. */
  group: number;
}

export interface RunnersArgs extends RunnerJobs {
  names: RunnerNames;
  subscriptionId: string;
  /** GitHub repository, `owner/name`, whose jobs they run; the owner is an organization. */
  repository: string;
  /** Environment of the platform; the runners' labels end with it. */
  environment: string;
  network: RunnerNetwork;
  /** Keeps the app's key, and their logs; and the name of its vault. */
  home: StateHome;
  vault: string;
  /** Addresses the vault answers; the network's must be among them. */
  allowedRanges: readonly string[];
  tags: Tags;
}

/**
 * What runs the pipelines' jobs: Container Apps jobs that GitHub's queue starts. Each execution is a container of its own
 * that takes one job and is thrown away; while no job waits none runs. One environment for each purpose, because what
 * shows a branch nobody has reviewed runs that branch's code.
 *
 * The app's key makes runners, so no job may see it: the platform fetches it with an identity no container can use, and
 * only the container that runs before GitHub's job mounts it. That one leaves a registration good for a single job.
 *
 * Cost: load balancer and address of each environment per hour, containers per second.
 */
export class Runners extends pulumi.ComponentResource {
  private readonly identity: UserAssignedIdentity;
  private readonly mayFetch: pulumi.Resource;

  constructor(
    private readonly name: string,
    private readonly args: RunnersArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:control:Runners", name, {}, opts);
    const { names, network, tags } = args;
    this.identity = new UserAssignedIdentity(
      `${name}-identity`,
      {
        resourceName: names.identity,
        resourceGroupName: network.resourceGroupName,
        location: names.region,
        tags,
      },
      { parent: this },
    );
    this.mayFetch = this.grant();
    for (const purpose of RUNNER_PURPOSES) this.job(purpose, this.environment(purpose));
    this.registerOutputs({});
  }

  /**
   * On the group, whose one vault has no other secret: below the vault its lock would keep the right when the runners go.
   */
  private grant(): pulumi.Resource {
    const { names, subscriptionId, home } = this.args;
    return assignRole(
      `${this.name}-fetches`,
      {
        key: `${names.resourceGroup}/runners/keyVaultSecretsUser`,
        subscriptionId,
        scope: home.groupId,
        principalId: this.identity.principalId,
        role: "keyVaultSecretsUser",
        description: "runners' platform fetches the key of the GitHub App",
      },
      { parent: this },
    );
  }

  private environment(purpose: RunnerPurpose) {
    const { names, network, home, tags } = this.args;
    const environment = new ManagedEnvironment(
      `${this.name}-${purpose}-environment`,
      {
        environmentName: names.purposes[purpose].environment,
        resourceGroupName: network.resourceGroupName,
        location: names.region,
        workloadProfiles: [{ name: "Consumption", workloadProfileType: "Consumption" }],
        vnetConfiguration: { infrastructureSubnetId: network.subnets[purpose].id, internal: true },
        publicNetworkAccess: "Disabled",
        zoneRedundant: REGIONS[names.region].zones,
        appLogsConfiguration: { destination: "azure-monitor" },
        tags,
      },
      { parent: this },
    );
    diagnostics(
      `${this.name}-${purpose}-diagnostics`,
      {
        resourceId: environment.id,
        workspaceId: home.workspaceId,
        categories: ["ContainerAppConsoleLogs", "ContainerAppSystemLogs"],
      },
      { parent: this },
    );
    return environment;
  }

  private job(purpose: RunnerPurpose, environment: ManagedEnvironment): void {
    const { names, subscriptionId, network, vault, allowedRanges, tags } = this.args;
    const { hours, atOnce } = RUNNER_LIMITS[purpose];
    // By its name: the SDK would otherwise show nobody this section before the identity exists, the policies neither.
    const identity = runnerIdentityId(subscriptionId, names);
    // Of the address alone: once there is one, a preview knows it before it knows the environment.
    const admitted = network.address.apply((address) => requireAdmitted(address, allowedRanges));
    new Job(
      `${this.name}-${purpose}-job`,
      {
        jobName: names.purposes[purpose].job,
        resourceGroupName: network.resourceGroupName,
        location: names.region,
        environmentId: pulumi.all([environment.id, admitted]).apply(([id]) => id),
        workloadProfileName: "Consumption",
        identity: { type: "UserAssigned", userAssignedIdentities: [this.identity.id] },
        configuration: {
          triggerType: "Event",
          replicaTimeout: hours * 3600,
          // What did not register is started again by the queue, which still has the job.
          replicaRetryLimit: 0,
          identitySettings: [{ identity, lifecycle: "None" }],
          secrets: [
            {
              name: GITHUB_APP_SECRET,
              keyVaultUrl: appKeyAddress(vault),
              identity,
            },
          ],
          eventTriggerConfig: {
            parallelism: 1,
            replicaCompletionCount: 1,
            scale: {
              minExecutions: 0,
              maxExecutions: atOnce,
              pollingInterval: 30,
              rules: [this.queue(purpose)],
            },
          },
        },
        template: this.template(purpose),
        tags,
      },
      { parent: this, dependsOn: [this.mayFetch] },
    );
  }

  /** Jobs of this repository that wait for this label (https://keda.sh/docs/latest/scalers/github-runner). */
  private queue(purpose: RunnerPurpose) {
    const { repository, environment, app } = this.args;
    const [owner = "", repos = ""] = repository.split("/");
    return {
      name: "github",
      type: "github-runner",
      metadata: {
        owner,
        repos,
        runnerScope: "org",
        labels: runnerLabel(purpose, environment),
        noDefaultLabels: "true",
        applicationID: String(app.id),
        installationID: String(app.installationId),
      },
      auth: [{ triggerParameter: "appKey", secretRef: GITHUB_APP_SECRET }],
    };
  }

  private template(purpose: RunnerPurpose) {
    const { repository, environment, image, app, group } = this.args;
    const env = (values: Record<string, string>) =>
      Object.entries(values).map(([name, value]) => ({ name, value }));
    const handedOn = { volumeName: "registration", mountPath: JIT_FILE.folder };
    return {
      initContainers: [
        {
          name: "register",
          image,
          command: ["node", "/opt/forma3d/register.ts"],
          env: env({
            GITHUB_ORGANIZATION: repository.split("/")[0] ?? "",
            GITHUB_APP_ID: String(app.id),
            GITHUB_APP_INSTALLATION_ID: String(app.installationId),
            GITHUB_APP_KEY_FILE: `${KEY_FILE.folder}/${KEY_FILE.name}`,
            RUNNER_GROUP: String(group),
            RUNNER_LABEL: runnerLabel(purpose, environment),
            REGISTRATION_FILE: `${JIT_FILE.folder}/${JIT_FILE.name}`,
          }),
          resources: { cpu: 0.25, memory: "0.5Gi" },
          volumeMounts: [{ volumeName: "key", mountPath: KEY_FILE.folder }, handedOn],
        },
      ],
      containers: [
        {
          name: "runner",
          image,
          command: ["/opt/forma3d/work.sh"],
          env: env({ REGISTRATION_FILE: `${JIT_FILE.folder}/${JIT_FILE.name}` }),
          // Both containers together stay a pair of sizes Azure takes (cores, twice as many GiB, at most 4 and 8).
          resources: { cpu: 3, memory: "6Gi" },
          volumeMounts: [handedOn],
        },
      ],
      volumes: [
        {
          name: "key",
          storageType: "Secret",
          secrets: [{ secretRef: GITHUB_APP_SECRET, path: KEY_FILE.name }],
        },
        { name: "registration", storageType: "EmptyDir" },
      ],
    };
  }
}

/**
 * The key is fetched through the runners' network, so the vault must answer it.
 * @param address the runners' own
 * @throws RunError when the vault does not admit it: Azure would not say why no job can be made
 */
function requireAdmitted(address: string, allowedRanges: readonly string[]): void {
  const own = `${address}/32`;
  if (allowedRanges.some((range) => contains(range, own))) return;
  throw new pulumi.RunError(
    `cluster.authorizedIpRanges: found ${allowedRanges.join(", ")}; allowed: ${own} among them, from where the runners' key is fetched`,
  );
}
