import { deleteBehind } from "../../../packages/emulated-azure/store/changes";
import { JUDGED } from "../engine";
import { ensure, operations, refused } from "../expect";
import { Scenario, Stage } from "../scenario";
import { World } from "../world";
import { places, prefix } from "./changes";

const LOCK = "azure-native:authorization:ManagementLockByScope";

/** Names of what holds the keys that encrypt stored Shopify tokens: random values and secrets of the vaults. */
const ENCRYPTION_KEY = /token-encryption-key/;

/** A later issuing day than the stack file's, for the rotation of everything that follows it. */
export function reissue(stage: Stage, world: World): void {
  const issued = new Date(`${stage.config.vault.secretsIssued}T00:00:00Z`);
  issued.setUTCDate(issued.getUTCDate() + 7);
  stage.configure(world, { "vault.secretsIssued": issued.toISOString().slice(0, 10) });
}

/** Secrets issued anew, and what becomes of those that go. */
export const SECRETS: readonly Scenario[] = [
  {
    id: "3.14",
    title:
      "secrets issued anew: random values are replaced, vaults and the administrator get them, readers roll; no key of stored data, and nothing else",
    async run(stage) {
      const world = await stage.deployed();
      const name = prefix(stage.config);
      reissue(stage, world);
      const run = await stage.up(world);
      const inClusters = (kind: string, noun: string) =>
        places(stage.config).map((place) => `update kubernetes:${kind} ${name}-${place}-${noun}`);
      const replaced = (type: string, resource: string) =>
        ["replace", "create-replacement", "delete-replaced"].map((op) => `${op} ${type} ${resource}`);
      operations(run, [
        ...replaced("random:index/randomPassword:RandomPassword", `${name}-secrets-*`),
        ...replaced("random:index/randomBytes:RandomBytes", `${name}-secrets-*`),
        `update azure-native:dbforpostgresql:Server ${name}-database-primary`,
        ...places(stage.config).map(
          (place) => `update azure-native:keyvault:Secret ${name}-${place}-vault-*`,
        ),
        ...inClusters("secrets-store.csi.x-k8s.io/v1:SecretProviderClass", "*"),
        ...inClusters("apps/v1:Deployment", "*"),
        `update azure-native:alertsmanagement:PrometheusRuleGroup ${name}-alerts-primary-forma3d-expiry`,
        // Statping's metrics are read with a secret of its own.
        ...(stage.config.statusPage.provider === "statping"
          ? inClusters("azmonitoring.coreos.com/v1:PodMonitor", "scrape-status-page")
          : []),
        // Jobs that prepare the database run again with the new passwords.
        ...replaced("kubernetes:batch/v1:Job", `${name}-primary-roles-job`),
        ...replaced("kubernetes:batch/v1:Job", `${name}-primary-migration-job`),
      ]);
      const keys = run.steps.filter((step) => ENCRYPTION_KEY.test(step.name));
      ensure(keys.length === 0, `stored tokens would be lost: ${keys.map((step) => step.name).join(", ")}`);
    },
  },
  {
    id: "3.15",
    title:
      "a secret loses a reader: Azure refuses below the vault's lock; without it the right goes, and the lock comes back",
    notFor: ({ protectData }) => (protectData ? undefined : "nothing is locked"),
    async run(stage) {
      const world = await stage.deployed();
      const name = prefix(stage.config);
      await stage.edit(world, [
        {
          file: "infra/secrets/secretCatalogue.ts",
          append: `(SECRET_CATALOG as { name: string; readers: SecretReader[] }[])
            .find(({ name }) => name === "sentry-dsn")!.readers = [];`,
        },
      ]);
      refused(await stage.up(world), /ScopeLocked/);
      // What docs/changing.md says: take the lock off, update, let the program put it back.
      const locks = places(stage.config).map((place) => `${name}-${place}-vault-lock`);
      for (const { id, type } of [...world.cloud.all()]) {
        if (type === LOCK && /\/vaults\//.test(id)) deleteBehind(world.cloud, id);
      }
      operations(
        await stage.up(world, JUDGED),
        places(stage.config).map(
          (place) =>
            `delete azure-native:authorization:RoleAssignment ${name}-${place}-vault-sentry-dsn-for-api`,
        ),
      );
      operations(
        await stage.up(world, { ...JUDGED, refresh: true, target: ["**-lock"] }),
        locks.map((lock) => `create ${LOCK} ${lock}`),
      );
    },
  },
];
