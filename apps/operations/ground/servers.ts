import type { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import type { ServersGround, ServerView } from "./types";

const ROLES: readonly ServerView["role"][] = ["None", "Primary", "AsyncReplica", "GeoAsyncReplica"];

/** The servers as Azure's resource manager shows them. */
export function flexibleServers(
  client: PostgreSQLManagementFlexibleServerClient,
  pollMs = 2000,
): ServersGround {
  return {
    async get(resourceGroup, server) {
      const {
        replicationRole,
        state,
        highAvailability: ha,
      } = await client.servers.get(resourceGroup, server);
      return {
        role: ROLES.find((role) => role === replicationRole) ?? "None",
        state: state ?? "Unknown",
        ...(ha?.mode && ha.mode !== "Disabled" && { standby: ha.state ?? "Unknown" }),
      };
    },
    async promote(resourceGroup, server, promoteOption, abortSignal) {
      const change = { replica: { promoteMode: "Switchover" as const, promoteOption } };
      await client.servers.beginUpdateAndWait(resourceGroup, server, change, {
        abortSignal,
        updateIntervalInMs: pollMs,
      });
    },
    async restart(resourceGroup, server, abortSignal) {
      await client.servers.beginRestartAndWait(resourceGroup, server, {
        abortSignal,
        updateIntervalInMs: pollMs,
      });
    },
    async setPassword(resourceGroup, server, administratorLoginPassword, abortSignal) {
      const change = { administratorLoginPassword };
      await client.servers.beginUpdateAndWait(resourceGroup, server, change, {
        abortSignal,
        updateIntervalInMs: pollMs,
      });
    },
  };
}
