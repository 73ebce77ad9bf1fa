import { planStack, PlanView } from "./support/plan";

type Inputs = Record<string, any>;

/** A plan whose parts may be changed, to see whether anybody notices. */
interface Changeable {
  all(type: string, name?: string): Inputs[];
  one(type: string, name?: string): Inputs;
  /** Takes resources out. */
  remove(type: string, name?: string): void;
  resources: { urn: string; type: string; inputs: Inputs; protect: boolean }[];
}

function changeable({ resources }: PlanView): Changeable {
  const copy = structuredClone(resources) as unknown as Changeable["resources"];
  const matching = (type: string, name = "") =>
    copy.filter(
      (resource) => resource.type === type && (resource.urn.split("::").at(-1) ?? "").includes(name),
    );
  return {
    resources: copy,
    all: (type, name) => matching(type, name).map(({ inputs }) => inputs),
    one: (type, name) => {
      const [found, ...rest] = matching(type, name);
      expect([type, name, found !== undefined, rest.length]).toEqual([type, name, true, 0]);
      return (found as { inputs: Inputs }).inputs;
    },
    remove: (type, name) => {
      for (const resource of matching(type, name)) copy.splice(copy.indexOf(resource), 1);
    },
  };
}

const SERVER = "azure-native:dbforpostgresql:Server";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const container = (plan: Changeable): Inputs =>
  plan.one(DEPLOYMENT, "primary-api").spec.template.spec.containers[0] as Inputs;

/** What the report asks of production, each with the change that would break it. */
const PROMISES: {
  promise: string;
  holds(plan: Changeable): void;
  broken: string;
  breakIt(plan: Changeable): void;
}[] = [
  {
    promise: "35 days of point-in-time restore",
    holds: (plan) => expect(plan.one(SERVER, "database-primary").backup.backupRetentionDays).toBe(35),
    broken: "retention 7",
    breakIt: (plan) => (plan.one(SERVER, "database-primary").backup.backupRetentionDays = 7),
  },
  {
    promise: "backups in the paired region",
    holds: (plan) => expect(plan.one(SERVER, "database-primary").backup.geoRedundantBackup).toBe("Enabled"),
    broken: "geo-redundancy left to the SDK's default",
    breakIt: (plan) => delete plan.one(SERVER, "database-primary").backup.geoRedundantBackup,
  },
  {
    promise: "a replica in the second region",
    holds: (plan) => expect(plan.one(SERVER, "database-replica").location).toBe("northeurope"),
    broken: "replica gone",
    breakIt: (plan) => plan.remove(SERVER, "database-replica"),
  },
  {
    promise: "a standby in another zone",
    holds: (plan) => expect(plan.one(SERVER, "database-primary").highAvailability.mode).toBe("ZoneRedundant"),
    broken: "high availability off",
    breakIt: (plan) => (plan.one(SERVER, "database-primary").highAvailability.mode = "Disabled"),
  },
  {
    promise: "no public access to the database",
    holds: (plan) =>
      expect(plan.all(SERVER).map(({ network }) => network.publicNetworkAccess as string)).toEqual([
        "Disabled",
        "Disabled",
      ]),
    broken: "public access on",
    breakIt: (plan) => (plan.one(SERVER, "database-replica").network.publicNetworkAccess = "Enabled"),
  },
  {
    promise: "the lifecycle never deletes a backup",
    holds: (plan) => {
      for (const place of ["primary", "secondary"]) {
        const { rules } = plan.one("azure-native:storage:ManagementPolicy", `${place}-backups`).policy as {
          rules: Inputs[];
        };
        expect(rules.filter(({ definition }) => definition.actions.baseBlob?.delete)).toEqual([]);
      }
    },
    broken: "lifecycle deletes before the retention",
    breakIt: (plan) => {
      const [rule] = plan.one("azure-native:storage:ManagementPolicy", "secondary-backups").policy.rules as [
        Inputs,
      ];
      rule.definition.actions.baseBlob = { delete: { daysAfterModificationGreaterThan: 7 } };
    },
  },
  {
    promise: "the API is probed as the report says",
    holds: (plan) => {
      const { livenessProbe, readinessProbe, startupProbe } = container(plan);
      expect(livenessProbe.httpGet.path).toBe("/health/live");
      expect(readinessProbe.httpGet.path).toBe("/health/ready");
      expect(startupProbe).toBeDefined();
    },
    broken: "probe removed",
    breakIt: (plan) => delete container(plan).readinessProbe,
  },
  {
    promise: "three replicas at least, scaled by CPU and memory",
    holds: (plan) => {
      const scaler = plan.one("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "primary-api")
        .spec as Inputs;
      expect([
        scaler.minReplicas,
        scaler.metrics.map((m: Inputs) => m.resource.name as string).sort(),
      ]).toEqual([3, ["cpu", "memory"]]);
    },
    broken: "two replicas",
    breakIt: (plan) =>
      (plan.one("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "primary-api").spec.minReplicas = 2),
  },
  {
    promise: "every managed secret expires",
    holds: (plan) => {
      for (const { properties } of plan.all("azure-native:keyvault:Secret"))
        expect(properties.attributes.expires).toBeGreaterThan(1.7e9);
    },
    broken: "one secret without an expiry",
    breakIt: (plan) =>
      delete (plan.all("azure-native:keyvault:Secret")[0] as Inputs).properties.attributes.expires,
  },
  {
    promise: "what holds data is protected",
    holds: (plan) => {
      const unprotected = plan.resources.filter(
        ({ type, protect }) =>
          [SERVER, "azure-native:storage:StorageAccount", "azure-native:keyvault:Vault"].includes(type) &&
          !protect,
      );
      expect(unprotected.map(({ urn }) => urn)).toEqual([]);
    },
    broken: "protection of the account taken off",
    breakIt: (plan) => {
      for (const resource of plan.resources)
        if (resource.type === "azure-native:storage:StorageAccount") resource.protect = false;
    },
  },
  {
    promise: "a daily backup at 03:00, one at a time",
    holds: (plan) =>
      expect(plan.one("kubernetes:batch/v1:CronJob", "primary-recovery-daily").spec).toMatchObject({
        schedule: "0 3 * * *",
        timeZone: "Etc/UTC",
        concurrencyPolicy: "Forbid",
      }),
    broken: "backups may overlap",
    breakIt: (plan) =>
      (plan.one("kubernetes:batch/v1:CronJob", "primary-recovery-daily").spec.concurrencyPolicy = "Allow"),
  },
];

let prod: PlanView;
beforeAll(async () => {
  prod = await planStack("prod", { resolve: true });
}, 180_000);

test.each(PROMISES.map((entry) => [entry.promise, entry] as const))(
  "production promises %s",
  (_, { holds }) => {
    holds(changeable(prod));
  },
);

test.each(PROMISES.map((entry) => [entry.broken, entry] as const))(
  "and it is noticed when broken: %s",
  (_, { holds, breakIt }) => {
    const plan = changeable(prod);
    breakIt(plan);
    expect(() => holds(plan)).toThrow();
  },
);
