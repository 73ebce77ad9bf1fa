import { armKey } from "../model/azure/arm";
import { objectsAt, stringAt, textAt, valueAt } from "../model/paths";
import { Cloud, CloudError, Stored, Tree } from "../model/types";
import { judge } from "../network/firewall";
import { SOMEBODY, type Vantage } from "../network/vantage";
import type { Rights } from "../rights/decide";

const FETCHING = new Set(["azure-native:app:ContainerApp", "azure-native:app:Job"]);

/** Address of a secret, with a version or without. */
const ADDRESS = /^https:\/\/([^.]+)\.vault\.azure\.net\/secrets\/([^/]+)/i;

/**
 * Refuses a container app or job that names a secret of a vault which cannot be fetched: each is, by the identity that is named,
 * whenever one is made or changed (https://github.com/microsoft/azure-container-apps/issues/1159), from where its environment
 * stands. The system's own identity has no principal here, and so may fetch nothing.
 * @throws CloudError 400
 */
export function refuseUnfetched(cloud: Cloud, rights: Rights, type: string, inputs: Tree): void {
  if (!FETCHING.has(type)) return;
  for (const secret of objectsAt(inputs, "configuration.secrets")) {
    const address = stringAt(secret, "keyVaultUrl");
    if (address === undefined) continue;
    const identity = textAt(secret, "identity");
    const found = secretAt(cloud, address);
    if (
      found &&
      mayFetch(cloud, rights, identity, found) &&
      answers(cloud, environmentOf(cloud, inputs), found)
    )
      continue;
    const name = textAt(secret, "name");
    throw new CloudError(
      400,
      "InvalidParameterValueInContainerTemplate",
      `The following field(s) are either invalid or missing. Field 'configuration.secrets' is invalid with details: 'Invalid value: "${name}": Unable to get value using Managed identity ${identity} for secret ${name}. Error: unable to fetch secret '${name}' using Managed identity '${identity}'';.`,
    );
  }
}

/** The secret, where there is one, it is not empty (…/issues/1291), and nobody has switched it off. */
function secretAt(cloud: Cloud, address: string): Stored | undefined {
  const [, vault = "", name = ""] = ADDRESS.exec(address) ?? [];
  const ending = `/vaults/${vault}/secrets/${name}`.toLowerCase();
  return [...cloud.ofType("azure-native:keyvault:Secret")].find(
    ({ key, inputs, softDeleted }) =>
      key.endsWith(ending) &&
      !softDeleted &&
      !cloud.get(key.slice(0, -`/secrets/${name}`.length))?.softDeleted &&
      stringAt(inputs, "properties.value") !== "" &&
      valueAt(inputs, "properties.attributes.enabled") !== false,
  );
}

/** Where an app or job asks from: its environment's subnet; without one an address of Azure's that nobody chose. */
function environmentOf(cloud: Cloud, inputs: Tree): Vantage {
  const id = stringAt(inputs, "environmentId") ?? textAt(inputs, "managedEnvironmentId");
  const environment = cloud.get(armKey(id))?.inputs ?? {};
  const subnet = stringAt(environment, "vnetConfiguration.infrastructureSubnetId");
  return subnet === undefined ? SOMEBODY : { subnet };
}

function answers(cloud: Cloud, from: Vantage, { key }: Stored): boolean {
  const vault = cloud.get(key.replace(/\/secrets\/[^/]+$/, ""));
  return vault !== undefined && judge(cloud, from, vault).is === "answers";
}

function mayFetch(cloud: Cloud, rights: Rights, identity: string, { id: scope }: Stored): boolean {
  const objectId = stringAt(cloud.get(armKey(identity))?.outputs ?? {}, "principalId");
  if (objectId === undefined) return false;
  const principal = { objectId, type: "ServicePrincipal", displayName: identity, groups: [] } as const;
  const action = "Microsoft.KeyVault/vaults/secrets/getSecret/action";
  return rights.may(principal, { action, scope, data: true });
}
