import * as pulumi from "@pulumi/pulumi";
import { addresses, DNS, ENTRA, scraping } from "../kubernetes/traffic";
import { VaultSource } from "../kubernetes/vaultSecrets";
import { secretsOf } from "../secrets/secretCatalogue";
import { elsewhere, recoveryEnvironment, RecoveryTargets } from "./recoveryTargets";
import { featuresOf } from "../secrets/features";
import { Workload } from "../workloads/workload";

export interface RecoveryExporterArgs {
  product: string;
  namespace: pulumi.Input<string>;
  /** Image of the recovery runner, pinned by digest. */
  image: string;
  identityClientId: pulumi.Input<string>;
  targets: RecoveryTargets;
  vault: VaultSource;
  /** Addresses of the private endpoints, the storage account's among them. */
  endpointsCidr: string;
  /** True in a region that stands by. */
  standby: boolean;
}

/** Port the exporter serves metrics and health on. */
const EXPORTER_PORT = 9188;

/** Metrics of backups and drills, read from the storage account, so that they outlive every job that made them. */
export function recoveryExporter(
  name: string,
  args: RecoveryExporterArgs,
  opts?: pulumi.ComponentResourceOptions,
): Workload {
  const entries = secretsOf("metrics", featuresOf(args.targets));
  return new Workload(
    name,
    {
      workload: "metrics",
      role: "recovery",
      product: args.product,
      namespace: args.namespace,
      image: args.image,
      arguments: ["metrics", "--host", "0.0.0.0", "--port", String(EXPORTER_PORT)],
      ports: [{ name: "metrics", port: EXPORTER_PORT }],
      health: { port: "metrics", live: "/healthz", ready: "/readyz" },
      resources: { cpuRequest: "50m", cpuLimit: "250m", memoryRequest: "96Mi", memoryLimit: "192Mi" },
      singleBecause:
        "It holds nothing, two would count everything twice, and an alert notices when it is silent.",
      minReplicas: 1,
      maxReplicas: 1,
      targetCpuPercent: 70,
      targetMemoryPercent: 80,
      environment: recoveryEnvironment(args.targets),
      ...(entries.length > 0 && { secrets: { source: args.vault, entries, filesOnly: true } }),
      identityClientId: args.identityClientId,
      standby: args.standby,
      ingress: [scraping(EXPORTER_PORT)],
      egress: [DNS, ENTRA, addresses("storage", args.endpointsCidr, 443), ...elsewhere(args.targets)],
    },
    opts,
  );
}
