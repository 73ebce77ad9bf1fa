import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { secretsOf } from "../../infra/secrets/secretCatalogue";
import { Workload, WorkloadArgs } from "../../infra/workloads/workload";
import { PlanView, planStack } from "../support/plan";

const TYPES = {
  deployment: "kubernetes:apps/v1:Deployment",
  service: "kubernetes:core/v1:Service",
  autoscaler: "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
  budget: "kubernetes:policy/v1:PodDisruptionBudget",
  policy: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
  account: "kubernetes:core/v1:ServiceAccount",
  secrets: "kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass",
  job: "kubernetes:batch/v1:Job",
  cronJob: "kubernetes:batch/v1:CronJob",
  configMap: "kubernetes:core/v1:ConfigMap",
  namespace: "kubernetes:core/v1:Namespace",
};

const API_IMAGE = "ghcr.io/forma3d/api@sha256:";
const NEXT_DIGEST = createHash("sha256").update("another release").digest("hex");
/** The same as production's clusters pull it. */
const PULLED = `crforma3dprod.azurecr.io/${API_IMAGE}`;

const inputs = (plan: PlanView, type: string, name?: string): any => plan.one(type, name).inputs;
const waitsFor = (plan: PlanView, type: string, name: string) =>
  plan.one(type, name).dependencies.map((urn) => urn.split("::").at(-1));

/** Plans take seconds each, and longer beside other tests. */
const PLANS_MS = 300_000;
const FAILED_OVER = { "regions.primary.role": "standby", "regions.secondary.role": "serving" };

let prod: PlanView;
let staging: PlanView;
let failedOver: PlanView;

beforeAll(async () => {
  prod = await planStack("prod", { resolve: true });
  staging = await planStack("staging", { resolve: true });
  failedOver = await planStack("prod", { resolve: true, config: FAILED_OVER });
}, PLANS_MS);

const placeOf = (urn: string) => /-(primary|secondary)-/.exec(urn)?.[1] ?? "";

/** Pod specs of everything that runs, by workload kind and name. */
function pods(plan: PlanView): { name: string; place: string; spec: any; labels: any }[] {
  const template = (resource: any) =>
    resource.spec.jobTemplate ? resource.spec.jobTemplate.spec.template : resource.spec.template;
  return [TYPES.deployment, TYPES.job, TYPES.cronJob].flatMap((type) =>
    plan.ofType(type).map(({ urn, inputs: resource }: any) => ({
      name: resource.metadata.name,
      place: placeOf(urn),
      spec: template(resource).spec,
      labels: template(resource).metadata.labels,
    })),
  );
}

const podOf = (plan: PlanView, name: string) => inputs(plan, TYPES.deployment, name).spec.template.spec;
const env = (container: any) =>
  Object.fromEntries(container.env.map((entry: any) => [entry.name, entry.value ?? entry.valueFrom]));

describe("the API", () => {
  test("starts with the report's three replicas and resources, from an image pinned by digest", () => {
    const { spec } = inputs(prod, TYPES.deployment, "primary-api");
    // The autoscaler's minimum is the number: one stated beside it would be set back by every rollout.
    expect(spec).not.toHaveProperty("replicas");
    expect(inputs(prod, TYPES.autoscaler, "primary-api").spec.minReplicas).toBe(3);
    const [container] = spec.template.spec.containers;
    expect(container.image.startsWith(PULLED)).toBe(true);
    expect(container.resources).toEqual({
      requests: { cpu: "250m", memory: "512Mi", "ephemeral-storage": "64Mi" },
      limits: { cpu: "1000m", memory: "1Gi", "ephemeral-storage": "1Gi" },
    });
    expect(container.ports).toEqual([{ name: "http", containerPort: 3000, protocol: "TCP" }]);
  });

  test("is probed as the report says, with a startup probe that gives it 150 seconds", () => {
    const [container] = podOf(prod, "primary-api").containers;
    expect(container.livenessProbe).toMatchObject({
      httpGet: { path: "/health/live", port: "http" },
      initialDelaySeconds: 30,
      periodSeconds: 10,
    });
    expect(container.readinessProbe).toMatchObject({
      httpGet: { path: "/health/ready", port: "http" },
      initialDelaySeconds: 5,
      periodSeconds: 5,
    });
    const { periodSeconds, failureThreshold, httpGet } = container.startupProbe;
    expect(httpGet.path).toBe("/health/live");
    expect(periodSeconds * failureThreshold).toBe(150);
  });

  test("scales between its bounds by CPU and memory, fast up and slowly down", () => {
    const { spec } = inputs(prod, TYPES.autoscaler, "primary-api");
    expect(spec).toMatchObject({
      minReplicas: 3,
      maxReplicas: 12,
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "api" },
    });
    expect(
      spec.metrics.map(({ resource }: any) => [resource.name, resource.target.averageUtilization]),
    ).toEqual([
      ["cpu", 70],
      ["memory", 80],
    ]);
    expect(spec.behavior.scaleUp.stabilizationWindowSeconds).toBe(30);
    expect(spec.behavior.scaleDown.stabilizationWindowSeconds).toBe(300);
    expect(prod.one(TYPES.deployment, "primary-api").options.ignoreChanges ?? []).toEqual([]);
  });

  test("loses no request in a rollout, a drain or the loss of a zone", () => {
    const { spec } = inputs(prod, TYPES.deployment, "primary-api");
    expect(spec.strategy).toEqual({
      type: "RollingUpdate",
      rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
    });
    const pod = spec.template.spec;
    const pause = pod.containers[0].lifecycle.preStop.sleep.seconds;
    expect([pause, pod.terminationGracePeriodSeconds]).toEqual([15, 60]);
    expect(
      pod.topologySpreadConstraints.map((one: any) => [one.topologyKey, one.whenUnsatisfiable, one.maxSkew]),
    ).toEqual([
      ["topology.kubernetes.io/zone", "DoNotSchedule", 1],
      ["kubernetes.io/hostname", "ScheduleAnyway", 1],
    ]);
    expect(pod.topologySpreadConstraints[0].nodeTaintsPolicy).toBe("Honor");
    expect(inputs(prod, TYPES.budget, "primary-api").spec).toEqual({
      selector: { matchLabels: { "app.kubernetes.io/name": "api" } },
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    });
  });

  test("gets every secret of the catalogue through the vault, none in its definition", () => {
    const provider = inputs(prod, TYPES.secrets, "primary-api").spec;
    expect(provider.parameters).toMatchObject({
      keyvaultName: "kv-forma3d-prod-weu",
      tenantId: "3f1e9c7a-52d8-4b60-8e4b-7a2c5d9f0b61",
    });
    const [synced] = provider.secretObjects;
    expect(synced.secretName).toMatch(/^api-[0-9a-f]{10}$/);
    const variables = env(podOf(prod, "primary-api").containers[0]);
    for (const { name, variable } of secretsOf("api")) {
      expect(provider.parameters.objects).toContain(`objectName: ${name}\n`);
      expect(synced.data).toContainEqual({ objectName: name, key: variable });
      expect(variables[variable]).toEqual({
        secretKeyRef: { name: synced.secretName, key: variable, optional: false },
      });
    }
    expect(podOf(prod, "primary-api").volumes).toContainEqual(
      expect.objectContaining({
        csi: {
          driver: "secrets-store.csi.k8s.io",
          readOnly: true,
          volumeAttributes: { secretProviderClass: "api" },
        },
      }),
    );
  });

  test(
    "starts anew, with new values only, when secrets are issued anew",
    async () => {
      const later = await planStack("prod", {
        resolve: true,
        config: { "vault.secretsIssued": "2026-12-01" },
      });
      const synced = (plan: PlanView) =>
        inputs(plan, TYPES.secrets, "primary-api").spec.secretObjects[0].secretName;
      const [container] = podOf(later, "primary-api").containers;
      expect(env(container).DATABASE_URL.secretKeyRef.name).toBe(synced(later));
      expect(synced(later)).not.toBe(synced(prod));
      const names = (plan: PlanView) => plan.ofType(TYPES.job).map((job: any) => job.inputs.metadata.name);
      expect(names(later).some((name) => names(prod).includes(name))).toBe(false);
    },
    PLANS_MS,
  );

  test(
    "starts anew, after roles and migration have run again, when another content or another TLS is behind its connection",
    async () => {
      const names = (plan: PlanView) =>
        Object.fromEntries(
          ["api", "migration", "roles", "monitoring", "status"].map((workload) => {
            const [provider] = plan.ofType(TYPES.secrets, `primary-${workload}`) as any[];
            const monitoring = plan.ofType(TYPES.secrets, "postgres-exporter") as any[];
            return [workload, (provider ?? monitoring[0]).inputs.spec.secretObjects[0].secretName];
          }),
        );
      const rolled = async (config: Record<string, unknown>) => {
        const [before, after] = [names(prod), names(await planStack("prod", { resolve: true, config }))];
        return Object.keys(before).filter((workload) => before[workload] !== after[workload]);
      };
      const connected = ["api", "migration", "roles", "monitoring"];
      expect(await rolled({ "database.restoredAt": "2026-11-24T03:40:00Z" })).toEqual(connected);
      expect(await rolled({ "database.sslMode": "verify-full" })).toEqual(connected);
      expect(await rolled({ "vault.tokenEncryptionKeys": ["2026-12-01", "2026-11-01"] })).toEqual(["api"]);
    },
    PLANS_MS,
  );

  test("does not start before the guard has seen that its database is its environment's", () => {
    const [guard, ...others] = podOf(prod, "primary-api").initContainers;
    expect(others).toEqual([]);
    expect(guard).toMatchObject({ name: "guard", args: ["guard"] });
    expect(guard.image).toMatch(/^crforma3d(prod|stga1)\.azurecr\.io\/ghcr\.io\/forma3d\/recovery@sha256:/);
    expect(env(guard)).toMatchObject({
      ENVIRONMENT: "prod",
      GUARD_ALLOWED_HOSTS:
        "forma3d-prod-db.writer.postgres.database.azure.com,forma3d-prod-db.reader.postgres.database.azure.com",
      GUARD_TLS: "require",
      DATABASE_URL_FILE: "/run/secrets/vault/database-api-url",
    });
    expect(env(podOf(staging, "primary-api").initContainers[0])).toMatchObject({ ENVIRONMENT: "staging" });
  });

  test("talks to the pooler, the gateway and mail; to the public on no port by which a partner or a thief could be reached", () => {
    const policy = inputs(prod, TYPES.policy, "primary-api");
    expect(policy.metadata.annotations["forma3d.com/egress"]).toBe("dns, database, partners, mail");
    const { egress, ingress, policyTypes } = policy.spec;
    expect(policyTypes).toEqual(["Ingress", "Egress"]);
    expect(egress.map((rule: any) => rule.ports.map(({ port }: any) => port))).toEqual([
      [53, 53],
      [6432],
      [8101, 8102, 8103, 8104],
      [465, 587],
    ]);
    expect(egress[1].to).toEqual([{ ipBlock: { cidr: "10.10.16.0/24" } }]);
    for (const { to } of egress.slice(3)) {
      expect(to).toEqual([
        {
          ipBlock: {
            cidr: "0.0.0.0/0",
            except: [
              "10.0.0.0/8",
              "172.16.0.0/12",
              "192.168.0.0/16",
              "100.64.0.0/10",
              "169.254.0.0/16",
              "168.63.129.16/32",
            ],
          },
        },
      ]);
    }
    expect(ingress[0]).toEqual({
      from: [{ ipBlock: { cidr: "10.10.17.0/24" } }],
      ports: [{ protocol: "TCP", port: 3000 }],
    });
  });

  test("is reached through an internal load balancer that keeps the sender's address", () => {
    const service = inputs(prod, TYPES.service, "primary-api");
    expect(service.spec).toMatchObject({ type: "LoadBalancer", externalTrafficPolicy: "Local" });
    expect(service.spec.ports).toEqual([{ name: "http", port: 80, targetPort: "http", protocol: "TCP" }]);
    const prefix = "service.beta.kubernetes.io/azure";
    expect(service.metadata.annotations).toMatchObject({
      [`${prefix}-load-balancer-internal`]: "true",
      [`${prefix}-load-balancer-internal-subnet`]: "nodes",
      [`${prefix}-pls-create`]: "true",
      [`${prefix}-pls-ip-configuration-subnet`]: "private-link",
      [`${prefix}-pls-visibility`]: "*",
    });
    expect(service.metadata.annotations).not.toHaveProperty(`${prefix}-pls-auto-approval`);
  });
});

describe("everything that runs", () => {
  test.each([
    ["prod", () => prod],
    ["staging", () => staging],
  ])("in %s keeps to the restricted standard, without a token of the API server", (_, plan) => {
    const all = pods(plan());
    expect(all.length).toBeGreaterThanOrEqual(11);
    for (const { name, spec } of all) {
      expect([name, spec.automountServiceAccountToken, spec.enableServiceLinks]).toEqual([
        name,
        false,
        false,
      ]);
      expect(spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 10_001,
        runAsGroup: 10_001,
        fsGroup: 10_001,
        seccompProfile: { type: "RuntimeDefault" },
      });
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
        expect([name, container.securityContext]).toEqual([
          name,
          {
            allowPrivilegeEscalation: false,
            privileged: false,
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
            capabilities: { drop: ["ALL"] },
          },
        ]);
        expect(container.image).toMatch(/@sha256:[0-9a-f]{64}$/);
        expect(container.resources.limits.memory).toBeDefined();
      }
    }
  });

  test("has a service account bound to its own identity, and a policy for its traffic", () => {
    const clientIds = new Map<string, string>();
    for (const { name, place, spec, labels } of pods(prod)) {
      const account: any = prod
        .ofType(TYPES.account, `-${place}-`)
        .find((one: any) => one.inputs.metadata.name === spec.serviceAccountName)?.inputs;
      expect([name, account?.automountServiceAccountToken]).toEqual([name, false]);
      clientIds.set(
        `${place} ${spec.serviceAccountName}`,
        account.metadata.annotations["azure.workload.identity/client-id"],
      );
      expect(labels["azure.workload.identity/use"]).toBe("true");
      const policies = prod
        .ofType(TYPES.policy, `-${place}-`)
        .filter(
          (one: any) =>
            one.inputs.spec.podSelector.matchLabels?.["app.kubernetes.io/name"] ===
            labels["app.kubernetes.io/name"],
        );
      expect([name, policies.length]).toEqual([name, 1]);
    }
    const own = [
      "api",
      "dashboard",
      "gateway",
      "migration",
      "roles",
      "backup",
      "verify",
      "drill",
      "prune",
      "metrics",
      "preflight",
    ];
    expect(new Set(own.map((name) => clientIds.get(`primary ${name}`) ?? "none")).size).toBe(own.length);
  });

  test("lives in a namespace that admits only restricted pods and denies what no policy allows", () => {
    expect(inputs(prod, TYPES.namespace, "primary").metadata.labels).toMatchObject({
      "pod-security.kubernetes.io/enforce": "restricted",
      // Pinned: an upgrade of the cluster alone must not refuse pods.
      "pod-security.kubernetes.io/enforce-version": "v1.35",
      "forma3d.com/environment": "prod",
    });
    expect(inputs(prod, TYPES.policy, "primary-namespace-default-deny").spec).toEqual({
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
    });
    expect(inputs(prod, "kubernetes:core/v1:ResourceQuota", "primary").spec.hard).toEqual({
      pods: "49",
      "requests.storage": "1280Gi",
      "services.loadbalancers": "2",
    });
  });

  test("leaves a node that has gone silent within a minute, and fills no node's disk", () => {
    for (const { name, spec } of pods(prod)) {
      for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
        const { requests, limits } = container.resources;
        expect([name, requests["ephemeral-storage"], limits["ephemeral-storage"]]).toEqual([
          name,
          "64Mi",
          "1Gi",
        ]);
      }
    }
    for (const { inputs: deployment } of prod.ofType(TYPES.deployment) as any[]) {
      expect(deployment.spec.template.spec.tolerations).toEqual(
        ["not-ready", "unreachable"].map((taint) => ({
          key: `node.kubernetes.io/${taint}`,
          operator: "Exists",
          effect: "NoExecute",
          tolerationSeconds: 60,
        })),
      );
    }
  });

  test("gives way in the right order when nodes are short: what watches, what recovers, what serves", () => {
    const classes = Object.fromEntries(
      prod
        .ofType("kubernetes:scheduling.k8s.io/v1:PriorityClass", "primary")
        .map(({ inputs: one }: any) => [one.metadata.name, one.value]),
    );
    const rank = Object.fromEntries(
      pods(prod).map(({ name, spec }) => [name.split("-")[0], classes[spec.priorityClassName] ?? 0]),
    );
    for (const one of ["api", "dashboard", "gateway", "migration", "roles"])
      expect([one, rank[one]]).toEqual([one, classes["forma3d-serving"]]);
    for (const one of ["recovery", "metrics"])
      expect([one, rank[one]]).toEqual([one, classes["forma3d-recovery"]]);
    expect([rank.monitoring, rank.blackbox, rank.status]).toEqual([0, 0, 0]);
    expect(classes["forma3d-serving"]).toBeGreaterThan(classes["forma3d-recovery"]);
    expect(classes["forma3d-recovery"]).toBeGreaterThan(0);
    // A pod that names a class is refused until there is one.
    expect(waitsFor(prod, TYPES.namespace, "primary").sort()).toEqual([
      "forma3d-prod-primary-namespace-priority-recovery",
      "forma3d-prod-primary-namespace-priority-serving",
    ]);
  });

  test("states no empty list of traffic, which the server would not store", () => {
    for (const { inputs: policy } of prod.ofType(TYPES.policy) as any[]) {
      expect(policy.spec.policyTypes).toEqual(["Ingress", "Egress"]);
      expect([policy.spec.ingress, policy.spec.egress].filter((list) => list?.length === 0)).toEqual([]);
    }
  });

  test("is replicated, but for the exporter, which says why it is not", () => {
    const single = prod
      .ofType(TYPES.deployment)
      .filter((one: any) => one.inputs.spec.replicas === 1)
      .map((one: any) => one.inputs);
    expect(single.map(({ metadata }: any) => metadata.name)).toContain("metrics");
    for (const { metadata, spec } of single as any[]) {
      expect(metadata.annotations["forma3d.com/single-replica-because"].length).toBeGreaterThan(15);
      expect(spec.strategy).toEqual({ type: "Recreate" });
    }
  });

  test("the gateway alone may reach partners, and only the API the gateway", () => {
    const { ingress, egress } = inputs(prod, TYPES.policy, "primary-gateway").spec;
    expect(ingress[0]).toEqual({
      from: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "api" } } }],
      ports: [8101, 8102, 8103, 8104].map((port) => ({ protocol: "TCP", port })),
    });
    const publicOn443 = prod
      .ofType(TYPES.policy)
      .filter(({ inputs: { spec } }: any) =>
        spec.egress?.some(
          ({ to, ports }: any) =>
            to.some(({ ipBlock }: any) => ipBlock?.cidr === "0.0.0.0/0") &&
            ports.some(({ port }: any) => port === 443),
        ),
      )
      .map(({ inputs: { metadata } }: any) => metadata.name as string);
    expect(publicOn443).not.toContain("api");
    expect(publicOn443).toContain("gateway");
    // DNS, partners, and in the private endpoints the record of who serves.
    expect(egress.map((rule: any) => rule.ports[0].port)).toEqual([53, 443, 443]);
    expect(egress[2].to).toEqual([{ ipBlock: { cidr: "10.10.16.0/24" } }]);
    expect(env(podOf(prod, "primary-api").containers[0])).toMatchObject({
      SHOPIFY_GATEWAY_URL: "http://gateway:8101",
      SIMPLYPRINT_GATEWAY_URL: "http://gateway:8102",
      SENDCLOUD_GATEWAY_URL: "http://gateway:8103",
    });
    const map = inputs(prod, TYPES.configMap, "primary-gateway");
    expect(map.immutable).toBe(true);
    expect(podOf(prod, "primary-gateway").volumes).toContainEqual({
      name: "files",
      configMap: { name: map.metadata.name, defaultMode: 0o444 },
    });
  });
});

describe("database jobs", () => {
  const job = (plan: PlanView, noun: string) => inputs(plan, TYPES.job, `primary-${noun}`);

  test("the schema is migrated over the direct connection before the API rolls, and after the roles", () => {
    const { metadata, spec } = job(prod, "migration");
    expect(metadata.name).toMatch(/^migration-[0-9a-f]{10}$/);
    expect(spec).toMatchObject({ backoffLimit: 3, activeDeadlineSeconds: 1800 });
    const pod = spec.template.spec;
    expect(pod.restartPolicy).toBe("Never");
    expect(pod.initContainers.map((one: any) => one.args)).toEqual([["guard"]]);
    const [migrate] = pod.containers;
    expect(migrate.command.concat(migrate.args)).toEqual(["node_modules/.bin/prisma", "migrate", "deploy"]);
    expect(migrate.image.startsWith(PULLED)).toBe(true);
    expect(env(migrate).DATABASE_URL.secretKeyRef.name).toMatch(/^migration-[0-9a-f]{10}$/);
    const { egress } = inputs(prod, TYPES.policy, "primary-migration").spec;
    expect(egress.map((rule: any) => rule.ports[0].port)).toEqual([53, 5432]);
    expect(waitsFor(prod, TYPES.deployment, "primary-api")).toContain("forma3d-prod-primary-migration-job");
    expect(waitsFor(prod, TYPES.job, "primary-migration")).toContain("forma3d-prod-primary-roles-job");
  });

  test(
    "a new image makes a new job; an unchanged one is the same job",
    async () => {
      const image = `${API_IMAGE}${NEXT_DIGEST}`;
      const next = await planStack("prod", { resolve: true, config: { "workloads.api.image": image } });
      expect(job(next, "migration").metadata.name).not.toBe(job(prod, "migration").metadata.name);
      expect(job(next, "roles").metadata.name).toBe(job(prod, "roles").metadata.name);
    },
    PLANS_MS,
  );

  test(
    "psql checks the server's certificate by the system's authorities exactly when the connection asks for it",
    async () => {
      const psql = (plan: PlanView) => env(job(plan, "roles").spec.template.spec.containers[0]);
      // libpq refuses the system's authorities together with a weaker mode.
      expect(psql(prod)).not.toHaveProperty("PGSSLROOTCERT");
      const strict = await planStack("prod", {
        resolve: true,
        config: { "database.sslMode": "verify-full" },
      });
      expect(psql(strict).PGSSLROOTCERT).toBe("system");
    },
    PLANS_MS,
  );

  test("roles are made by the administrator, after the server is marked; each step has only its secrets", () => {
    const pod = job(prod, "roles").spec.template.spec;
    const [mark] = pod.initContainers;
    expect(mark.args).toEqual(["guard", "--mark"]);
    const referred = (container: any) =>
      container.env.filter((entry: any) => entry.valueFrom).map((entry: any) => entry.name);
    expect(referred(mark)).toEqual(["DATABASE_URL"]);
    expect(referred(pod.containers[0])).toEqual([
      "DATABASE_URL",
      "API_PASSWORD",
      "API_PEER_PASSWORD",
      "MIGRATION_PASSWORD",
      "MIGRATION_PEER_PASSWORD",
      "BACKUP_PASSWORD",
      "BACKUP_PEER_PASSWORD",
      "MONITORING_PASSWORD",
      "MONITORING_PEER_PASSWORD",
    ]);
    const script = inputs(prod, TYPES.configMap, "primary-roles").data["roles.sql"];
    expect(script).toContain("alter role api_weu password :'api_weu_password';");
    expect(script).toContain("alter role api_neu nologin password :'api_neu_password';");
    expect(waitsFor(prod, TYPES.job, "primary-roles")).toEqual(
      expect.arrayContaining(["forma3d-prod-database-endpoint", "forma3d-prod-primary-federation-roles"]),
    );
  });
});

describe("recovery jobs", () => {
  const cron = (name: string) => inputs(prod, TYPES.cronJob, `primary-recovery-${name}`);
  const BACKUPS = ["hourly", "daily", "weekly", "monthly"];
  const NAMES = [...BACKUPS, "copy", "verify", "drill", "prune"];

  test("run when the report says, one at a time, bounded, and are seen when they fail", () => {
    expect(NAMES.map((name) => [name, cron(name).spec.schedule])).toEqual([
      ["hourly", "0 0-2,4-23 * * *"],
      ["daily", "0 3 * * *"],
      ["weekly", "30 12 * * 0"],
      ["monthly", "30 21 1 * *"],
      ["copy", "40 * * * *"],
      ["verify", "15 * * * *"],
      ["drill", "0 6 2 * *"],
      ["prune", "20 7 * * *"],
    ]);
    for (const name of NAMES) {
      expect(cron(name).spec).toMatchObject({
        timeZone: "Etc/UTC",
        suspend: false,
        concurrencyPolicy: "Forbid",
        startingDeadlineSeconds: 3600,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 5,
      });
      const { spec } = cron(name).spec.jobTemplate;
      expect(spec.template.metadata.annotations).toEqual({
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
      });
      // A backup waits for the database's lease, with longer and longer breaks; nothing else is worth waiting for.
      const waits = BACKUPS.includes(name);
      expect([name, spec.backoffLimit]).toEqual([name, waits ? 7 : 1]);
      expect(spec.podFailurePolicy.rules[0].onExitCodes.values).toEqual(waits ? [2] : [2, 4]);
      expect(spec.podFailurePolicy.rules[0].onExitCodes.containerName).toBe(
        spec.template.spec.containers[0].name,
      );
    }
    expect(NAMES.map((name) => cron(name).spec.jobTemplate.spec.activeDeadlineSeconds / 60)).toEqual([
      55, 120, 120, 120, 240, 240, 300, 30,
    ]);
  });

  test("each runs its verb as its own identity", () => {
    const run = (name: string) => {
      const { spec } = cron(name).spec.jobTemplate.spec.template;
      return [spec.serviceAccountName, spec.containers[0].args.join(" ")];
    };
    expect(NAMES.map(run)).toEqual([
      ...BACKUPS.map((tier) => ["backup", `backup --all --tier ${tier} --json`]),
      ["copy", "copy --json"],
      ["verify", "verify --unproved --timeout 216m --json"],
      ["drill", "drill --database forma3d --trigger schedule --operator cronjob --timeout 270m --json"],
      ["prune", "prune --no-dry-run --json"],
    ]);
  });

  test("what deletes cannot reach the database, nor can what only reads backups", () => {
    const reach = (identity: string) => {
      const { metadata, spec } = inputs(prod, TYPES.policy, `primary-recovery-${identity}-traffic`);
      return [metadata.annotations["forma3d.com/egress"], spec.ingress];
    };
    expect(["backup", "drill", "copy", "verify", "prune"].map(reach)).toEqual([
      ["dns, entra, storage, database", undefined],
      ["dns, entra, storage, database", undefined],
      ["dns, entra, storage", undefined],
      ["dns, entra, storage", undefined],
      ["dns, entra, storage", undefined],
    ]);
    const secrets = prod
      .ofType(TYPES.secrets, "primary-recovery")
      .map((one: any) => one.inputs.metadata.name);
    expect(secrets.sort()).toEqual(["backup", "drill"]);
  });

  test("secrets are files for them; settings are the documented names", () => {
    const [container] = cron("daily").spec.jobTemplate.spec.template.spec.containers;
    expect(env(container)).toMatchObject({
      ENVIRONMENT: "prod",
      DATABASE_URL_FILE: "/run/secrets/vault/database-backup-url",
      BACKUP_TARGETS: JSON.stringify([
        { name: "westeurope", kind: "azure", url: "https://stforma3dprodbkpweu.blob.core.windows.net" },
        { name: "northeurope", kind: "azure", url: "https://stforma3dprodbkpneu.blob.core.windows.net" },
      ]),
      BACKUP_CONTAINER_HOURLY: "backups-hourly",
      BACKUP_CONTAINER_DAILY: "backups-daily",
      BACKUP_CONTAINER_WEEKLY: "backups-weekly",
      BACKUP_CONTAINER_MONTHLY: "backups-monthly",
      BACKUP_CONTAINER_EVIDENCE: "evidence",
      RETENTION_HOURLY_DAYS: "7",
      RETENTION_DAILY_DAYS: "30",
      RETENTION_WEEKLY_DAYS: "35",
      RETENTION_MONTHLY_DAYS: "365",
      RETENTION_KEEP_LAST: "3",
      BACKUP_MAX_AGE: "120m",
      RTO_TARGET: "240m",
      RPO_TARGET: "60m",
      RECOVERY_IMAGE: container.image,
    });
    expect(container.env.some((entry: any) => entry.valueFrom)).toBe(false);
    // Each region asks its own account first; what a drill proves lies there, too.
    const other = inputs(prod, TYPES.cronJob, "secondary-recovery-daily").spec.jobTemplate.spec.template.spec;
    expect(JSON.parse(env(other.containers[0]).BACKUP_TARGETS).map(({ name }: any) => name)).toEqual([
      "northeurope",
      "westeurope",
    ]);
  });

  test("restores have a disk of their own, of the configured size; the others none", () => {
    const disks = (name: string) =>
      cron(name)
        .spec.jobTemplate.spec.template.spec.volumes.filter((volume: any) => volume.ephemeral)
        .map((volume: any) => volume.ephemeral.volumeClaimTemplate.spec.resources.requests.storage);
    expect(NAMES.map(disks)).toEqual([[], [], [], [], [], ["256Gi"], ["256Gi"], []]);
    expect(env(cron("verify").spec.jobTemplate.spec.template.spec.containers[0]).SCRATCH_DIR).toBe(
      "/scratch",
    );
  });

  test("no disk outlives its use: every job with one is taken away, and all there can be fit the quota", () => {
    for (const plan of [prod, staging]) {
      const GIB = (text: string) => Number(/^(\d+)Gi$/.exec(text)?.[1]);
      const jobs = plan.ofType(TYPES.cronJob, "-primary-").map((one: any) => one.inputs.spec);
      const needed = jobs.map(({ jobTemplate: { spec }, concurrencyPolicy }: any) => {
        const disks = spec.template.spec.volumes
          .filter((volume: any) => volume.ephemeral)
          .map((volume: any) => GIB(volume.ephemeral.volumeClaimTemplate.spec.resources.requests.storage));
        // The volume belongs to the pod object, and every try's pod stays until its job goes.
        if (disks.length > 0)
          expect([spec.ttlSecondsAfterFinished, concurrencyPolicy]).toEqual([3600, "Forbid"]);
        return disks.reduce((sum: number, size: number) => sum + size, 0) * (spec.backoffLimit + 1);
      });
      const quota = inputs(plan, "kubernetes:core/v1:ResourceQuota", "primary").spec.hard["requests.storage"];
      expect(GIB(quota)).toBe(needed.reduce((sum: number, size: number) => sum + size, 0));
    }
  });
});

describe("the operator's job", () => {
  const job = () => inputs(prod, TYPES.cronJob, "primary-operator");
  const pod = () => job().spec.jobTemplate.spec.template.spec;

  test("starts only by hand, waits for its operator and ends by itself, without a failure", () => {
    expect(job().metadata.name).toBe("recovery-operator");
    expect(job().spec.suspend).toBe(true);
    const { backoffLimit, activeDeadlineSeconds, ttlSecondsAfterFinished } = job().spec.jobTemplate.spec;
    const [container] = pod().containers;
    expect(container.command.at(-1)).toBe("sleep");
    expect(Number(container.args[0])).toBe(8 * 3600);
    expect(activeDeadlineSeconds).toBeGreaterThan(Number(container.args[0]));
    expect([backoffLimit, ttlSecondsAfterFinished]).toEqual([0, 3600]);
  });

  test("has what the runner, the incident records and psql need, and reaches nothing else", () => {
    const [container] = pod().containers;
    const daily = inputs(prod, TYPES.cronJob, "primary-recovery-daily").spec.jobTemplate.spec.template.spec;
    expect(container.image).toBe(daily.containers[0].image);
    expect(env(container)).toMatchObject({
      ...env(daily.containers[0]),
      DATABASE_URL_FILE: "/run/secrets/vault/database-admin-url",
      PROBE_API_URL_FILE: "/run/secrets/vault/database-api-url",
      PROBE_MIGRATION_URL_FILE: "/run/secrets/vault/database-migration-url",
      PROBE_BACKUP_URL_FILE: "/run/secrets/vault/database-backup-url",
      GUARD_ALLOWED_HOSTS:
        "forma3d-prod-db.writer.postgres.database.azure.com,forma3d-prod-db.reader.postgres.database.azure.com",
      BACKUP_CONTAINER_INCIDENTS: "incidents",
      SCRATCH_DIR: "/scratch",
    });
    expect(inputs(prod, TYPES.secrets, "primary-operator").spec.parameters.objects).toBe(
      `array:\n${["admin", "api", "migration", "backup"].map((role) => `  - |\n    objectName: database-${role}-url\n    objectType: secret\n`).join("")}`,
    );
    const { metadata, spec } = inputs(prod, TYPES.policy, "primary-operator-traffic");
    expect([metadata.annotations["forma3d.com/egress"], spec.ingress]).toEqual([
      "dns, entra, storage, database",
      undefined,
    ]);
  });

  test("acts as an identity of its own that can delete no backup, in every region", () => {
    expect(pod().serviceAccountName).toBe("operator");
    const subject = "system:serviceaccount:forma3d:operator";
    const credentials = (plan: PlanView) =>
      plan
        .ofType("azure-native:managedidentity:FederatedIdentityCredential", "-operator")
        .map(({ inputs: one }) => one.subject);
    for (const plan of [prod, failedOver]) expect(credentials(plan)).toEqual([subject, subject]);
    const roles = prod
      .ofType("azure-native:authorization:RoleAssignment", "-operator-")
      .map(({ urn, inputs: one }) => [
        urn.split("::").at(-1),
        (one.roleDefinitionId as string).split("/").at(-1),
      ]);
    const writer = prod.one("azure-native:authorization:RoleDefinition", "writer").inputs.roleDefinitionId;
    expect(roles).toEqual(
      ["primary", "secondary"].flatMap((region) =>
        ["primary", "secondary"].flatMap((account) =>
          ["daily", "evidence", "hourly", "incidents", "monthly", "weekly"].map((container) => [
            `forma3d-prod-backup-access-${region}-operator-${account}-${container}`,
            writer,
          ]),
        ),
      ),
    );
  });
});

describe("two regions", () => {
  test("jobs run where the database accepts writes, and there alone", () => {
    const suspended = (plan: PlanView, region: string) =>
      plan.ofType(TYPES.cronJob, `${region}-recovery`).map((one: any) => one.inputs.spec.suspend);
    expect(suspended(prod, "primary")).toEqual(Array(8).fill(false));
    expect(suspended(prod, "secondary")).toEqual(Array(8).fill(true));
    expect(suspended(failedOver, "primary")).toEqual(Array(8).fill(true));
    expect(suspended(failedOver, "secondary")).toEqual(Array(8).fill(false));
    const regions = (plan: PlanView) =>
      plan.ofType(TYPES.job).map(({ urn }) => /prod-(primary|secondary)-/.exec(urn)?.[1]);
    expect(regions(prod)).toEqual(["primary", "primary"]);
    expect(regions(failedOver)).toEqual(["secondary", "secondary"]);
  });

  test("the same objects are in both; where the region stands by they run nothing and scale nothing", () => {
    const objects = (plan: PlanView, place: string) =>
      plan.resources
        .filter(({ type, urn }) => type.startsWith("kubernetes:") && urn.includes(`prod-${place}-`))
        .map(({ urn }) => urn.split("::").at(-1)?.replace(`prod-${place}-`, "prod-") ?? "");
    // Preparing the database is the serving region's, and a number of pods the autoscaler's.
    const onlyServing = /-(roles|migration)-|-autoscaler$/;
    for (const [plan, serving, standby] of [
      [prod, "primary", "secondary"],
      [failedOver, "secondary", "primary"],
    ] as const) {
      const [there, here] = [objects(plan, serving), objects(plan, standby)];
      expect(there.filter((one) => !here.includes(one) && !onlyServing.test(one))).toEqual([]);
      expect(here.filter((one) => !there.includes(one) || onlyServing.test(one))).toEqual([]);
      const numbers = (place: string) =>
        plan
          .ofType(TYPES.deployment, `prod-${place}-`)
          .map(({ inputs: { spec } }: any) => spec.replicas as number | undefined);
      expect(numbers(standby).length).toBeGreaterThan(5);
      expect(new Set(numbers(standby))).toEqual(new Set([0]));
      expect(new Set(numbers(serving))).toEqual(new Set([1, undefined]));
    }
  });

  test("what stands by says with how many pods it serves, and which CronJobs it runs then", () => {
    const [marked, serving] = ["secondary", "primary"].map(
      (place) => (type: string) => prod.ofType(type, `prod-${place}-`),
    );
    const scalers: any[] = serving!(TYPES.autoscaler);
    const least = (name: string, replicas?: number) =>
      replicas ??
      scalers.find(({ inputs: { spec } }) => spec.scaleTargetRef.name === name)?.inputs.spec.minReplicas;
    const wanted = serving!(TYPES.deployment).map(({ inputs: { metadata, spec } }: any) => [
      metadata.name,
      `${least(metadata.name, spec.replicas)}`,
    ]);
    const said = marked!(TYPES.deployment).map(({ inputs: { metadata } }: any) => [
      metadata.name,
      metadata.annotations["forma3d.com/serving-replicas"],
    ]);
    expect(said.sort()).toEqual(wanted.sort());
    const role = ({ inputs: { metadata } }: any) => [
      metadata.name,
      metadata.annotations?.["forma3d.com/region-role"],
    ];
    expect(
      marked!(TYPES.cronJob)
        .map(role)
        .filter(([, is]) => is === "standby")
        .map(([name]) => name)
        .sort(),
    ).toEqual([
      "readiness",
      ...["copy", "daily", "drill", "hourly", "monthly", "prune", "verify", "weekly"].map(
        (job) => `recovery-${job}`,
      ),
    ]);
    expect(
      serving!(TYPES.cronJob)
        .map(role)
        .filter(([, is]) => is !== undefined),
    ).toEqual([]);
  });

  test("an update waits for pods where they run, and everywhere for the load balancer Front Door is linked to", () => {
    const awaited = (plan: PlanView, place: string) =>
      [inputs(plan, TYPES.deployment, `${place}-api-`), inputs(plan, TYPES.service, `${place}-gateway-`)].map(
        ({ metadata }: any) => metadata.annotations?.["pulumi.com/skipAwait"],
      );
    expect(awaited(prod, "primary")).toEqual([undefined, undefined]);
    expect(awaited(prod, "secondary")).toEqual(["true", "true"]);
    expect(awaited(failedOver, "secondary")).toEqual([undefined, undefined]);
    for (const place of ["primary", "secondary"]) {
      const { annotations } = inputs(prod, TYPES.service, `${place}-api-`).metadata;
      expect(annotations["pulumi.com/waitFor"]).toBe("jsonpath={.status.loadBalancer.ingress}");
      expect(annotations).not.toHaveProperty("pulumi.com/skipAwait");
      const edge = prod.one("forma3d:edge:Edge").dependencies.map((urn) => urn.split("::").at(-1));
      expect(edge).toContain(`forma3d-prod-${place}-api-service`);
    }
  });

  test("a failover changes nothing at the edge", () => {
    const edge = (plan: PlanView) =>
      plan.resources
        .filter(({ type }) => /^azure-native:(cdn|frontdoor):/.test(type))
        .map(({ urn, inputs: one }) => [urn.split("::").at(-1), one]);
    expect(edge(prod).length).toBeGreaterThan(8);
    expect(edge(failedOver)).toEqual(edge(prod));
  });

  test("each region's pods use that region's vault, identities and endpoints", () => {
    expect(inputs(failedOver, TYPES.secrets, "secondary-api").spec.parameters.keyvaultName).toBe(
      "kv-forma3d-prod-neu",
    );
    expect(inputs(failedOver, TYPES.policy, "secondary-api").spec.egress[1].to).toEqual([
      { ipBlock: { cidr: "10.20.16.0/24" } },
    ]);
  });
});

describe("bad input", () => {
  const image = `${API_IMAGE}${NEXT_DIGEST}`;
  const args: WorkloadArgs = {
    workload: "sample",
    role: "application",
    product: "forma3d",
    namespace: "forma3d",
    image,
    ports: [{ name: "http", port: 3000 }],
    health: { port: "http", live: "/", ready: "/" },
    resources: { cpuRequest: "1", cpuLimit: "1", memoryRequest: "1Gi", memoryLimit: "1Gi" },
    minReplicas: 1,
    maxReplicas: 2,
    targetCpuPercent: 70,
    targetMemoryPercent: 80,
    identityClientId: "client",
    ingress: [],
    egress: [],
  };

  beforeAll(() =>
    pulumi.runtime.setMocks({
      newResource: ({ inputs: state, name }) => ({ id: name, state: state as object }),
      call: () => ({}),
    }),
  );

  test.each<[string, Partial<WorkloadArgs>, string, string]>([
    ["an image by tag", { image: "ghcr.io/forma3d/api:1" }, "image", "is not pinned by a sha256 digest"],
    ["no replica", { minReplicas: 0 }, "minReplicas", "0 is below 1"],
    ["bounds the wrong way round", { minReplicas: 3 }, "minReplicas", "3 is above maxReplicas (2)"],
    ["no port", { ports: [] }, "ports", "at least one port"],
    [
      "a single pod without a reason",
      { maxReplicas: 1, singleBecause: "because" },
      "singleBecause",
      "at least 15",
    ],
    ["a single pod that scales", { singleBecause: "there can only be one" }, "maxReplicas", "is not 1"],
  ])("%s is refused, with the property and the reason", (_, wrong, propertyPath, reason) => {
    const make = () => new Workload("sample", { ...args, ...wrong });
    expect(make).toThrow(pulumi.InputPropertyError);
    expect(make).toThrow(
      expect.objectContaining({ propertyPath, reason: expect.stringContaining(reason) }) as unknown as Error,
    );
  });
});
