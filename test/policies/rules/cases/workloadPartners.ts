import { proxyConfiguration } from "../kubernetesFixture";
import type { Case } from "../stack";

const file = 'data["envoy.json"]';
const BREAKER =
  'cluster "printing" must have outlier_detection with consecutive_5xx of 1 to 10 and a base_ejection_time';

/** Reviewed by hand: what each broken fixture must be told, word for word. */
export const workloadPartnersCases: readonly Case[] = [
  {
    rule: "partner-circuit-breaker",
    change: { "gateway-files": { [file]: proxyConfiguration({ outlier_detection: undefined }) } },
    finds: [["gateway-files", file, BREAKER]],
  },
  {
    rule: "partner-circuit-breaker",
    change: {
      "gateway-files": {
        [file]: proxyConfiguration({ outlier_detection: { consecutive_5xx: 11, base_ejection_time: "60s" } }),
      },
    },
    finds: [["gateway-files", file, BREAKER]],
  },
  {
    rule: "partner-circuit-breaker",
    change: { "gateway-files": { [file]: proxyConfiguration({ circuit_breakers: { thresholds: [] } }) } },
    finds: [["gateway-files", file, 'cluster "printing" must have circuit_breakers.thresholds']],
  },
  {
    rule: "partner-circuit-breaker",
    change: { "gateway-files": { [file]: "listeners: []" } },
    finds: [["gateway-files", file, "must be a proxy configuration with static_resources.clusters"]],
  },
];
