import type { core } from "@pulumi/kubernetes/types/input";
import { plainVariables, restrictedContainer } from "../kubernetes/pod";
import { probes } from "../kubernetes/probes";

/** How the gateway finds out whether its region serves. */
export interface GatewayPermission {
  /** Image of the recovery runner, which asks. */
  image: string;
  /** The gateway's own region, as the record names it. */
  region: string;
  /** The accounts that keep the record, an odd number. */
  places: readonly { name: string; account: string }[];
  /** Addresses of their private endpoints. */
  endpointsCidr: string;
}

/** Port on which the sidecar answers the gateway, and serves metrics and health. */
export const SERVING_PORT = 9904;

/**
 * The container beside the gateway that knows whether the region serves. Its own failure stops partner calls, never
 * lets them through.
 */
export function permissionSidecar(
  { image, region, places }: GatewayPermission,
  preStopSeconds: number,
): core.v1.Container {
  return restrictedContainer(
    {
      name: "serving",
      image,
      args: ["serving", "--region", region, "--port", String(SERVING_PORT)],
      resources: { cpuRequest: "25m", cpuLimit: "250m", memoryRequest: "96Mi", memoryLimit: "192Mi" },
      env: plainVariables({
        SERVING_PLACES: JSON.stringify(
          places.map(({ name, account }) => ({ name, url: `https://${account}.blob.core.windows.net` })),
        ),
      }),
    },
    {
      ports: [{ name: "serving", containerPort: SERVING_PORT, protocol: "TCP" }],
      // It is asked for as long as the gateway has callers.
      lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } },
      ...probes({ port: "serving", live: "/healthz", ready: "/readyz" }),
    },
  );
}
