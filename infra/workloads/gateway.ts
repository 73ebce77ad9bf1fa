import * as pulumi from "@pulumi/pulumi";
import { GatewayPermission, permissionSidecar, SERVING_PORT } from "./gatewayPermission";
import {
  drainSeconds,
  envoyConfig,
  GATEWAY_STATUS_PORT,
  GatewaySettings,
  outsideOf,
  PARTNERS,
} from "./gatewayConfig";
import { addresses, DNS, publicInternet, scraping, workloads } from "../kubernetes/traffic";
import { Workload } from "./workload";

export interface GatewayArgs extends Omit<GatewaySettings, "permissionPort"> {
  product: string;
  namespace: pulumi.Input<string>;
  /** Envoy image pinned by digest. */
  image: string;
  identityClientId: pulumi.Input<string>;
  /** Workloads that may call partners. */
  callers: readonly string[];
  /** Host error reports go to; absent: none leave. */
  errorReports: string | undefined;
  minReplicas: number;
  maxReplicas: number;
  /** True in a region that stands by. */
  standby: boolean;
  /** Absent: there is no other region that could serve instead. */
  permission: GatewayPermission | undefined;
}

const WORKLOAD = "gateway";
const FOLDER = "/etc/gateway";
const FILE = "envoy.json";

/** Variables with which the application finds each partner behind the gateway. */
export function gatewayVariables(): Record<string, string> {
  return Object.fromEntries(
    PARTNERS.map(({ name, port }) => [`${name.toUpperCase()}_GATEWAY_URL`, `http://${WORKLOAD}:${port}`]),
  );
}

/** Ports of the gateway callers connect to. */
export function gatewayPorts(errorReports: string | undefined): number[] {
  return outsideOf(errorReports).map(({ port }) => port);
}

/**
 * Integration gateway: the one way out to Shopify, SimplyPrint and SendCloud, and for error reports, with a circuit
 * breaker for each, so that a partner's outage costs its callers an instant error and not their threads (report §4.5).
 */
export function integrationGateway(
  name: string,
  args: GatewayArgs,
  opts?: pulumi.ComponentResourceOptions,
): Workload {
  const { maxConsecutiveFailures, ejectionSeconds, timeoutSeconds, errorReports, permission } = args;
  const outside = outsideOf(errorReports);
  const config = envoyConfig(
    {
      maxConsecutiveFailures,
      ejectionSeconds,
      timeoutSeconds,
      ...(permission && { permissionPort: SERVING_PORT }),
    },
    outside,
  );
  return new Workload(
    name,
    {
      workload: WORKLOAD,
      role: "gateway",
      product: args.product,
      namespace: args.namespace,
      image: args.image,
      command: ["envoy"],
      arguments: [
        ...["--config-path", `${FOLDER}/${FILE}`],
        ...["--concurrency", "2"],
        ...["--log-level", "warning"],
        // Pods are replaced, never restarted in place.
        "--disable-hot-restart",
      ],
      ports: [
        { name: "status", port: GATEWAY_STATUS_PORT },
        ...outside.map(({ name: partner, port }) => ({ name: partner, port })),
      ],
      health: { port: "status", live: "/ready", ready: "/ready" },
      preStopSeconds: drainSeconds(args),
      resources: { cpuRequest: "100m", cpuLimit: "1", memoryRequest: "128Mi", memoryLimit: "256Mi" },
      minReplicas: args.minReplicas,
      maxReplicas: args.maxReplicas,
      targetCpuPercent: 70,
      targetMemoryPercent: 80,
      identityClientId: args.identityClientId,
      standby: args.standby,
      files: { folder: FOLDER, contents: { [FILE]: `${JSON.stringify(config, null, 2)}\n` } },
      ...(permission && { sidecars: [permissionSidecar(permission, drainSeconds(args))] }),
      ingress: [
        workloads("callers", args.callers, ...gatewayPorts(errorReports)),
        scraping(GATEWAY_STATUS_PORT),
        ...(permission ? [scraping(SERVING_PORT)] : []),
      ],
      egress: [
        DNS,
        publicInternet("partners", 443),
        ...(permission ? [addresses("record", permission.endpointsCidr, 443)] : []),
      ],
    },
    opts,
  );
}
