import { kubernetes } from "../../packages/isolation/kinds";
import { objects } from "./pods";
import { fault, type Cursor, type Outcome } from "../../packages/isolation/read";
import type { Rule } from "../../packages/isolation/rule";
import { THRESHOLDS } from "./thresholds";
import { resourceRule } from "./define";

const { partnerFailures } = THRESHOLDS;

/** Keys under which a proxy's configuration is kept. */
const PROXY_FILE = /^envoy\b.*\.json$/;

interface ProxyCluster {
  readonly name?: unknown;
  readonly outlier_detection?: { readonly consecutive_5xx?: unknown; readonly base_ejection_time?: unknown };
  readonly circuit_breakers?: { readonly thresholds?: unknown };
  readonly load_assignment?: unknown;
}

function clustersIn(text: string): readonly ProxyCluster[] | undefined {
  try {
    const { static_resources: resources } = JSON.parse(text) as { static_resources?: { clusters?: unknown } };
    return Array.isArray(resources?.clusters) ? (resources.clusters as ProxyCluster[]) : undefined;
  } catch {
    return undefined;
  }
}

/** A proxy's own administration needs no protection from itself. */
function isLocal({ load_assignment: assignment }: ProxyCluster): boolean {
  const text = JSON.stringify(assignment ?? {});
  return text.includes('"address":"127.0.0.1"') || text.includes('"address":"::1"');
}

function judge(file: Cursor): Outcome[] {
  if (file.unknown) return [{ path: file.path, unknown: true }];
  const clusters = clustersIn(file.text ?? "");
  if (!clusters) return fault(file, "must be a proxy configuration with static_resources.clusters");
  return clusters
    .filter((cluster) => !isLocal(cluster))
    .flatMap((cluster) => {
      const name = JSON.stringify(typeof cluster.name === "string" ? cluster.name : "");
      const { consecutive_5xx: failures, base_ejection_time: pause } = cluster.outlier_detection ?? {};
      const limited =
        typeof failures === "number" &&
        failures >= 1 &&
        failures <= partnerFailures.value &&
        pause !== undefined;
      const bounded =
        Array.isArray(cluster.circuit_breakers?.thresholds) && cluster.circuit_breakers.thresholds.length > 0;
      return [
        ...(limited
          ? []
          : fault(
              file,
              `cluster ${name} must have outlier_detection with consecutive_5xx of 1 to ${partnerFailures.value} and a base_ejection_time`,
            )),
        ...(bounded ? [] : fault(file, `cluster ${name} must have circuit_breakers.thresholds`)),
      ];
    });
}

const breaker = resourceRule(
  {
    id: "WRK-040",
    name: "partner-circuit-breaker",
    title: "Every partner is behind a circuit breaker",
    description: `Each cluster of a proxy configuration (a ConfigMap's envoy*.json) but its own administration ends calls after at most ${partnerFailures.value} failures in a row, and bounds what is under way.`,
    why: "A partner that answers slowly or not at all ties up every thread that waits for it, and takes the API down with it.",
    severity: "high",
    framework: { waf: ["RE:07"], risks: ["R04", "R05", "R06"] },
    remediation:
      "Declare the partner in infra/workloads/gatewayConfig.ts; the gateway gives it limits and a breaker.",
    url: "https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker",
    appliesTo: "any",
    types: [kubernetes("ConfigMap")],
  },
  (_, resource) =>
    objects(resource).flatMap((object) =>
      object
        .at("data")
        .entries()
        .filter(([key]) => PROXY_FILE.test(key))
        .flatMap(([, file]) => judge(file)),
    ),
);

export const PARTNER_RULES: readonly Rule[] = [breaker];
