import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap";
import { Role } from "@pulumi/kubernetes/rbac/v1/role";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding";
import * as pulumi from "@pulumi/pulumi";
import { promDuration } from "../../packages/alerting/duration";
import { collectorSettings } from "../../packages/alerting/scrape";
import { labelsOf, selectorOf } from "../kubernetes/labels";

/** A workload of ours that serves metrics. */
export interface ScrapedWorkload {
  workload: string;
  /** Value of the label `job`; default the workload. */
  job?: string;
  /** Name of its port. */
  port: string;
  /** Default `/metrics`. */
  path?: string;
  /** Names of the time series that are kept; default all. */
  keep?: readonly string[];
  /** Secret of the namespace, and its key, whose value the workload wants as a bearer token. */
  bearer?: { secret: string; key: string };
}

/** A service the blackbox exporter asks. */
export interface ProbedTarget {
  /** Value of the label `job`. */
  job: string;
  /** Module of the exporter's configuration. */
  module: string;
  /** Address, or host and port. */
  target: pulumi.Input<string>;
  intervalSeconds: number;
  timeoutSeconds: number;
}

export interface ScrapeConfigArgs {
  product: string;
  namespace: pulumi.Input<string>;
  /** Its name, known before it exists: what stands in a file must be seen in a preview. */
  namespaceName: string;
  workloads: readonly ScrapedWorkload[];
  probes: { exporter: string; port: string; targets: readonly ProbedTarget[] };
}

/** Custom resources of Azure's own operator; the open-source one's are of another group and not read. */
const API_VERSION = "azmonitoring.coreos.com/v1";

/** Role with which the agents read bearer tokens. */
const SECRETS_READER = "ama-metrics-secrets-reader";

/**
 * What Azure's metrics add-on scrapes in a cluster beside its own targets: each workload by its label, each probe with
 * the interval and timeout of its service, and which of the cluster's own metrics are kept.
 */
export class ScrapeConfig extends pulumi.ComponentResource {
  constructor(
    private readonly name: string,
    private readonly args: ScrapeConfigArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("forma3d:monitoring:ScrapeConfig", name, {}, opts);
    this.settings();
    if (this.readsSecrets()) this.access();
    for (const scraped of args.workloads) this.workload(scraped);
    this.probes();
    this.registerOutputs({});
  }

  private settings() {
    new ConfigMap(
      `${this.name}-settings`,
      {
        metadata: {
          // The add-on reads this one name in this one namespace.
          name: "ama-metrics-settings-configmap",
          namespace: "kube-system",
          labels: labelsOf("ama-metrics-settings", "monitoring", this.args.product),
        },
        data: collectorSettings(this.readsSecrets() ? [this.args.namespaceName] : []),
      },
      { parent: this },
    );
  }

  private readsSecrets(): boolean {
    return this.args.workloads.some(({ bearer }) => bearer !== undefined);
  }

  /**
   * Right of the agents to a target's bearer token. Up to Kubernetes 1.36 they have it in every namespace; names of role
   * and binding are those of Azure's own instructions. They watch all secrets of a namespace, so no name can be given.
   */
  private access() {
    const { namespace, product } = this.args;
    const labels = labelsOf("ama-metrics", "monitoring", product);
    const role = new Role(
      `${this.name}-secrets-reader`,
      {
        metadata: { name: SECRETS_READER, namespace, labels },
        rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"] }],
      },
      { parent: this },
    );
    new RoleBinding(
      `${this.name}-secrets-reader-binding`,
      {
        metadata: { name: "ama-metrics-secrets-rolebinding", namespace, labels },
        subjects: [{ kind: "ServiceAccount", name: "ama-metrics-serviceaccount", namespace: "kube-system" }],
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: SECRETS_READER },
      },
      { parent: this, dependsOn: [role] },
    );
  }

  private workload({ workload, job = workload, port, path = "/metrics", keep, bearer }: ScrapedWorkload) {
    this.podMonitor(job, workload, [
      {
        port,
        path,
        interval: "30s",
        relabelings: [{ targetLabel: "job", replacement: job, action: "replace" }],
        ...(keep && {
          metricRelabelings: [{ sourceLabels: ["__name__"], regex: keep.join("|"), action: "keep" }],
        }),
        ...(bearer && {
          authorization: { type: "Bearer", credentials: { name: bearer.secret, key: bearer.key } },
        }),
      },
    ]);
  }

  private probes() {
    const { exporter, port, targets } = this.args.probes;
    this.podMonitor(
      "probes",
      exporter,
      targets.map(({ job, module, target, intervalSeconds, timeoutSeconds }) => ({
        port,
        path: "/probe",
        params: { module: [module], target: [target] },
        interval: promDuration(intervalSeconds),
        scrapeTimeout: promDuration(timeoutSeconds),
        relabelings: [
          { targetLabel: "job", replacement: job, action: "replace" },
          { targetLabel: "instance", replacement: target, action: "replace" },
        ],
      })),
    );
  }

  private podMonitor(noun: string, workload: string, podMetricsEndpoints: object[]) {
    const { namespace, product } = this.args;
    new CustomResource(
      `${this.name}-${noun}`,
      {
        apiVersion: API_VERSION,
        kind: "PodMonitor",
        metadata: { name: noun, namespace, labels: labelsOf(noun, "monitoring", product) },
        spec: {
          selector: { matchLabels: selectorOf(workload) },
          namespaceSelector: { matchNames: [namespace] },
          podMetricsEndpoints,
        },
      },
      { parent: this },
    );
  }
}
