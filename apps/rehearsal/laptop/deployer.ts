import { randomBytes } from "node:crypto";
import type { Stored } from "../../../packages/emulated-azure/model/types";
import { podsOf } from "../../../packages/emulated-azure/network/vantage";
import { answerVault } from "../../../packages/emulated-azure/vault";
import { SECRET_CATALOG } from "../../../infra/secrets/secretCatalogue";
import type { Platform } from "../../operations/platform";
import type { Served } from "../serve";

/** Of the vaults. */
const API_VERSION = "7.6";
const SECRET = "azure-native:keyvault:Secret";

/**
 * Puts values into the vaults for the secrets that no deployment makes, such as partners' keys: made up, the same in every region,
 * as the owner does with `npm run secret`.
 */
export async function supplySecrets({ cloud, principals }: Served, { regions }: Platform): Promise<void> {
  const owner = principals["owner"];
  if (!owner) throw new Error("nobody is called owner");
  const token = cloud.directory.issue(owner, "https://vault.azure.net");
  const made = new Map(SECRET_CATALOG.map(({ name }) => [name, randomBytes(24).toString("base64url")]));
  const there = new Set(
    [...cloud.cloud.all()].filter(({ type }) => type === SECRET).map(({ id }) => id.toLowerCase()),
  );
  for (const { vault, cluster } of regions)
    for (const { name, contentType } of SECRET_CATALOG) {
      if ([...there].some((id) => id.endsWith(`/vaults/${vault}/secrets/${name}`))) continue;
      const host = `${vault}.vault.azure.net`;
      await answerVault(cloud, {
        method: "PUT",
        url: new URL(`https://${host}/secrets/${name}?api-version=${API_VERSION}`),
        host,
        from: podsOf(cloud.cloud, cluster),
        authorization: `Bearer ${token}`,
        body: { value: made.get(name) ?? "", contentType },
      });
    }
}

const CONNECTION = "azure-native:network:PrivateLinkServicePrivateEndpointConnection";

const DOMAIN = "azure-native:cdn:AFDCustomDomain";

/** The public names are proved to Front Door, as whoever keeps the domain does with a record (docs/deploying.md). */
export function proveNames({ cloud: { cloud } }: Served): void {
  for (const stored of cloud.ofType(DOMAIN))
    cloud.put({ ...stored, outputs: { ...stored.outputs, domainValidationState: "Approved" } });
}

/** Lets Front Door in, as whoever owns the link services does after the first deployment. */
export function approveLinks({ cloud: { cloud } }: Served): void {
  for (const stored of [...cloud.all()])
    if (stored.type === CONNECTION) {
      const approved = (tree: Stored["inputs"]): Stored["inputs"] => ({
        ...tree,
        privateLinkServiceConnectionState: { status: "Approved", description: "", actionsRequired: "None" },
      });
      cloud.put({ ...stored, inputs: approved(stored.inputs), outputs: approved(stored.outputs) });
    }
}
