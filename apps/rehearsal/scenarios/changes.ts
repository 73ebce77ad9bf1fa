import { createHash } from "node:crypto";
import { stackPlatformNames } from "../../../stacks/files";
import { StackConfig } from "../../../stacks/schema";
import { JUDGED } from "../engine";
import { ensure, noChange, operations, refused } from "../expect";
import { Scenario, Stage } from "../scenario";
import { World } from "../world";

const SERVER = "azure-native:dbforpostgresql:Server";
const CONFIG_MAP = "kubernetes:core/v1:ConfigMap";
/** Digest of an image that is new; one of a pattern is refused as typed in another's place. */
export const DIGEST = `sha256:${createHash("sha256").update("another release").digest("hex")}`;
const SKU_UP: Readonly<Record<string, string>> = {
  Standard_D2ds_v5: "Standard_D4ds_v5",
  Standard_D4ds_v5: "Standard_D8ds_v5",
};

export function prefix(config: StackConfig): string {
  return stackPlatformNames(config).prefix;
}

function isProd({ environment }: StackConfig): boolean {
  return environment === "prod";
}

/** Names of the regions a stack has data in. */
export function places({ regions }: StackConfig): string[] {
  return regions.secondary ? ["primary", "secondary"] : ["primary"];
}

/** A preview is stopped by one policy. */
async function stoppedByPolicy(stage: Stage, world: World, policy: string): Promise<void> {
  refused(await stage.preview(world), new RegExp(policy));
  ensure(world.changes().length === 0, "the cloud was touched");
}

/** Changes people make, each with exactly the operations it may cause. */
export const CHANGES: readonly Scenario[] = [
  {
    id: "3.1",
    title:
      "a larger compute size, in the two steps docs/changing.md names: the replica first, then the primary, in place; staging's cost limit stops it",
    async run(stage) {
      const { config } = stage;
      const world = await stage.deployed();
      const skuName = SKU_UP[config.database.skuName];
      ensure(skuName !== undefined, `no size above ${config.database.skuName} is known here`);
      stage.configure(world, { "database.skuName": skuName });
      if (!isProd(config)) return stoppedByPolicy(stage, world, "nonprod-database-size");
      const names = (noun: string): string => `${prefix(config)}-database-${noun}`;
      if (config.database.replica) {
        // Without the policies, one of which wants both servers alike: for the minutes between, they are not.
        const first = await stage.up(world, { target: ["**-database-replica"], policies: false });
        operations(first, [`update ${SERVER} ${names("replica")}`]);
      }
      operations(await stage.up(world), [`update ${SERVER} ${names("primary")}`]);
    },
  },
  {
    id: "3.2",
    title: "a larger storageGB changes nothing: the disk's size is Azure's once the server exists",
    async run(stage) {
      const world = await stage.deployed();
      stage.configure(world, { "database.storageGB": stage.config.database.storageGB * 2 });
      // The file itself is all that changes.
      operations(
        await stage.up(world),
        places(stage.config).map(
          (place) => `update ${CONFIG_MAP} ${prefix(stage.config)}-${place}-readiness-platform`,
        ),
      );
    },
  },
  {
    id: "3.3",
    title: "shorter point-in-time retention is stopped in prod; longer is an update in place",
    async run(stage) {
      const { config } = stage;
      const world = await stage.deployed();
      stage.configure(world, { "database.backupRetentionDays": 14 });
      if (isProd(config)) {
        refused(await stage.up(world), /backupRetentionDays.*\b35\b/s);
        ensure(world.changes().length === 0, "the cloud was touched");
      } else {
        operations(await stage.up(world), [`update ${SERVER} ${prefix(config)}-database-primary`]);
      }
    },
  },
  {
    id: "3.4",
    title: "a new image rolls the API, after its migration, and touches nothing else",
    async run(stage) {
      const world = await stage.deployed();
      const name = `${prefix(stage.config)}-primary`;
      stage.configure(world, { "workloads.api.image": `ghcr.io/forma3d/api@${DIGEST}` });
      operations(await stage.up(world), [
        // Where a region stands by it is the same object, at zero.
        ...places(stage.config).map(
          (place) => `update kubernetes:apps/v1:Deployment ${prefix(stage.config)}-${place}-api-deployment`,
        ),
        // A job's template cannot be changed, so each image has a job of its own.
        `replace kubernetes:batch/v1:Job ${name}-migration-job`,
        `create-replacement kubernetes:batch/v1:Job ${name}-migration-job`,
        `delete-replaced kubernetes:batch/v1:Job ${name}-migration-job`,
      ]);
    },
  },
  {
    id: "3.5",
    title:
      "a higher bound of the autoscaler changes it and the namespace's quota; staging's cost limit stops it",
    async run(stage) {
      const world = await stage.deployed();
      const name = `${prefix(stage.config)}-primary`;
      const { maxReplicas } = stage.config.workloads.api;
      stage.configure(world, { "workloads.api.maxReplicas": maxReplicas + (isProd(stage.config) ? 1 : 18) });
      if (!isProd(stage.config)) return stoppedByPolicy(stage, world, "nonprod-pod-count");
      operations(await stage.up(world), [
        `update kubernetes:autoscaling/v2:HorizontalPodAutoscaler ${name}-api-autoscaler`,
        ...places(stage.config).map(
          (place) =>
            `update kubernetes:core/v1:ResourceQuota ${prefix(stage.config)}-${place}-namespace-quota`,
        ),
      ]);
    },
  },
  {
    id: "3.6",
    title:
      "a new secret is generated, stored in every vault and granted, and only its readers roll; production's reviewed plan has to have it",
    async run(stage) {
      const world = await stage.deployed();
      const name = prefix(stage.config);
      await stage.edit(world, [
        {
          file: "infra/secrets/secretCatalogue.ts",
          append: `(SECRET_CATALOG as SecretEntry[]).push({
            name: "rehearsal-key", source: "generated", rotationDays: 90, readers: ["api"],
            variable: "REHEARSAL_KEY", contentType: "base64 key", randomBytes: 32, rotation: "None.",
          });`,
        },
      ]);
      const reviewed = isProd(stage.config);
      if (reviewed)
        refused(await stage.preview(world), /\[REC-054\] is a resource that production's plan has not/);
      operations(await stage.up(world, reviewed ? JUDGED : {}), [
        `create random:index/randomBytes:RandomBytes ${name}-secrets-rehearsal-key`,
        ...places(stage.config).flatMap((place) => [
          `create azure-native:keyvault:Secret ${name}-${place}-vault-rehearsal-key`,
          `create azure-native:authorization:RoleAssignment ${name}-${place}-vault-rehearsal-key-for-api`,
        ]),
        // The region that stands by has the same objects, at zero.
        ...places(stage.config).flatMap((place) => [
          `update kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass ${name}-${place}-api-secrets`,
          `update kubernetes:apps/v1:Deployment ${name}-${place}-api-deployment`,
        ]),
      ]);
    },
  },
  {
    id: "3.7",
    title: "a new subnet is created beside the others, which stay; production's statement has to name it",
    async run(stage) {
      const world = await stage.deployed();
      await stage.edit(world, [
        {
          file: "infra/network/network.ts",
          find: 'return { nodes, endpoints, "private-link": privateLink };',
          replace: `new network.Subnet(\`\${this.name}-rehearsal\`, {
              subnetName: "rehearsal", resourceGroupName, virtualNetworkName: vnet.name,
              addressPrefix: args.addressSpace.replace(/\\.0\\.0\\/\\d+$/, ".250.0/24"), defaultOutboundAccess: false,
              networkSecurityGroup: { id: endpointsGroup.id },
            }, { parent: this, dependsOn: [privateLink] });
            return { nodes, endpoints, "private-link": privateLink };`,
        },
      ]);
      operations(
        await stage.up(world, JUDGED),
        places(stage.config).map(
          (place) => `create azure-native:network:Subnet ${prefix(stage.config)}-${place}-network-rehearsal`,
        ),
      );
      const judged = await stage.preview(world);
      if (isProd(stage.config)) refused(judged, /\[REC-052\] addressPrefix: must be as infra\/network says/);
      else noChange(judged);
    },
  },
  {
    id: "3.8",
    title: "the database component under another name, with its alias, changes nothing in Azure",
    async run(stage) {
      const world = await stage.deployed();
      await stage.edit(world, [
        {
          file: "infra/data/database.ts",
          find: 'super("forma3d:database:Database", name, {}, opts);',
          replace:
            'super("forma3d:data:Database", name, {}, { ...opts, aliases: [{ type: "forma3d:database:Database" }] });',
        },
      ]);
      noChange(await stage.up(world));
    },
  },
];
