import { PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { ResourceManagementClient } from "@azure/arm-resources";
import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import { resourceManager } from "../../../apps/operations/ground/resources";
import { flexibleServers } from "../../../apps/operations/ground/servers";
import type { Ground, VaultsGround } from "../../../apps/operations/ground/types";
import { keyVaults } from "../../../apps/operations/ground/vaults";
import type { Platform } from "../../../apps/operations/platform";
import { emulatedCloud, type EmulatedCloud } from "../../../packages/emulated-azure/cloud";
import type { CloudEvent } from "../../../packages/emulated-azure/hooks";
import { listen, type Listening } from "../../../packages/emulated-azure/listen";
import { sandboxModel } from "../../../packages/emulated-azure/model";
import type { Principal } from "../../../packages/emulated-azure/rights/directory";
import { grant } from "../../../packages/emulated-azure/rights/grant";
import { putBehind, type DatabaseServers } from "../../../packages/emulated-azure/servers";
import { credentialOf, signIn } from "../../cloud/client";
import {
  declareFrontDoor,
  declareNetwork,
  declareServers,
  declareStatusPage,
  declareVaults,
} from "./declared";
import { WEST } from "./regions";

/** Azure, as whoever deploys the environment and whoever operates it reach it through Microsoft's clients. */
export interface Azure {
  cloud: EmulatedCloud;
  listening: Listening;
  operator: Principal;
  /** Vaults as whoever deploys fills them. */
  maker: VaultsGround;
  /** As the operator sees them, who holds no right yet. */
  ground: Pick<Ground, "servers" | "resources" | "vaults">;
}

/** Declares the environment in an emulated cloud, its database servers before real ones. */
export async function openAzure(platform: Platform, servers: DatabaseServers): Promise<Azure> {
  const cloud = emulatedCloud(sandboxModel(), { retryAfter: 0 });
  const listening = await listen(cloud);
  const { subscriptionId } = platform;
  const scope = `/subscriptions/${subscriptionId}`;
  const [maker, operator] = ["maker", "operator"].map((displayName) =>
    cloud.directory.add({ displayName, secret: `${displayName} signs in` }),
  ) as [Principal, Principal];
  // Vaults are read by few: of Azure's own roles this is the one whose holders can.
  for (const role of ["Owner", "Key Vault Secrets Officer"] as const)
    grant(cloud.cloud, { principal: maker, role, scope });
  const options = {
    endpoint: listening.address,
    tlsOptions: { ca: listening.certificate },
    retryOptions: { maxRetries: 1, retryDelayInMs: 1 },
  };
  const credential = (principal: Principal) => credentialOf(cloud, listening, principal);
  const client = (principal: Principal) =>
    new PostgreSQLManagementFlexibleServerClient(credential(principal), subscriptionId, options);
  const manager = (principal: Principal) =>
    new ResourceManagementClient(credential(principal), subscriptionId, options);
  const resources = (principal: Principal) =>
    resourceManager(manager(principal), { endpoint: listening.address, pollMs: 5 });
  await declareServers(client(maker), manager(maker), scope);
  putBehind(cloud, servers);
  cloud.hooks.on((event) => restored(servers, event));
  for (const declare of [declareFrontDoor, declareStatusPage, declareNetwork, declareVaults])
    await declare(resources(maker), platform);
  for (const stored of [...cloud.cloud.all()])
    if (stored.type === "azure-native:cdn:AFDCustomDomain")
      cloud.cloud.put({ ...stored, outputs: { ...stored.outputs, domainValidationState: "Approved" } });
  const vaultsOf = (principal: Principal) => vaults(cloud, listening, principal);
  return {
    cloud,
    listening,
    operator,
    maker: vaultsOf(maker),
    ground: {
      servers: flexibleServers(client(operator), 5),
      resources: resources(operator),
      vaults: vaultsOf(operator),
    },
  };
}

/** A server the resource manager makes from a moment of another is really made so: base backup and log. */
async function restored(servers: DatabaseServers, event: CloudEvent): Promise<void> {
  if (event.kind !== "created" || event.stored.inputs["createMode"] !== "PointInTimeRestore") return;
  const { sourceServerResourceId: source, pointInTimeUTC: moment } = event.stored.inputs as Record<
    string,
    string
  >;
  const name = (id = "") => id.slice(id.lastIndexOf("/") + 1);
  await servers.restore({
    name: name(event.stored.id),
    region: WEST.location,
    source: name(source),
    moment: new Date(moment ?? ""),
  });
}

function vaults(cloud: EmulatedCloud, listening: Listening, principal: Principal): VaultsGround {
  const { address, certificate } = listening;
  return keyVaults(
    {
      getToken: async () => ({
        token: await signIn(cloud, listening, principal, "https://vault.azure.net/.default"),
        expiresOnTimestamp: Date.now() + 600_000,
      }),
    },
    {
      tlsOptions: { ca: certificate },
      retryOptions: { maxRetries: 1, retryDelayInMs: 1 },
      disableChallengeResourceVerification: true,
      additionalPolicies: [{ policy: toLoopback(address), position: "perRetry" }],
    },
  );
}

/** Sends what is for Azure's own names to this machine, under those names. */
const toLoopback = (address: string): PipelinePolicy => ({
  name: "toLoopback",
  async sendRequest(request, next) {
    const { origin, hostname } = new URL(request.url);
    const asked = request.url;
    request.headers.set("host", hostname);
    request.url = asked.replace(origin, address);
    try {
      return await next(request);
    } finally {
      // The client compares the address it asked with who challenges it.
      request.url = asked;
      request.headers.delete("host");
    }
  },
});
