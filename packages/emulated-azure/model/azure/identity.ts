import { numberAt, stringAt, textAt, valueAt } from "../paths";
import { Failure, Tree } from "../types";
import { type ArmTable, principal } from "./arm";

const VAULT = "Microsoft.KeyVault/vaults/{vaultName}";
const IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}";
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function checkVault(inputs: Tree): Failure[] {
  const purge = valueAt(inputs, "properties.enablePurgeProtection");
  return purge === false
    ? [
        {
          property: "properties.enablePurgeProtection",
          reason: "false is never accepted: leave it out, or set it to true for good",
        },
      ]
    : [];
}

function refusedVaultUpdate(old: Tree, next: Tree): Failure[] {
  const days = "properties.softDeleteRetentionInDays";
  const [before, now] = [numberAt(old, days), numberAt(next, days)];
  const failures: Failure[] =
    before !== undefined && now !== undefined && before !== now
      ? [{ property: days, reason: `cannot be changed after creation: it stays ${before}` }]
      : [];
  const purge = "properties.enablePurgeProtection";
  if (valueAt(old, purge) === true && valueAt(next, purge) !== true) {
    failures.push({ property: purge, reason: "cannot be switched off again" });
  }
  return failures;
}

/** Refuses a text that is there and is no GUID. */
export function mustBeGuid(property: string): (inputs: Tree) => Failure[] {
  return (inputs) => {
    const name = stringAt(inputs, property);
    return name === undefined || GUID.test(name)
      ? []
      : [{ property, reason: `must be a GUID, unlike ${name}` }];
  };
}

/** Longest name of an assignment that is not of a management group. */
const POLICY_NAME_LENGTH = 64;

function policyName(inputs: Tree): Failure[] {
  const name = stringAt(inputs, "policyAssignmentName") ?? "";
  return name.length <= POLICY_NAME_LENGTH
    ? []
    : [{ property: "policyAssignmentName", reason: `must have at most ${POLICY_NAME_LENGTH} characters` }];
}

export const IDENTITY_TYPES: ArmTable = {
  "keyvault:Vault": {
    id: VAULT,
    immutable: ["properties.tenantId"],
    holdsData: true,
    globalName: "vault",
    softDelete: true,
    check: checkVault,
    refusedUpdate: refusedVaultUpdate,
    computed: ({ inputs }) => ({
      properties: {
        ...(inputs["properties"] as Tree),
        enableSoftDelete: true,
        provisioningState: "Succeeded",
        vaultUri: `https://${textAt(inputs, "vaultName")}.vault.azure.net/`,
      },
    }),
  },
  "keyvault:Secret": {
    id: `${VAULT}/secrets/{secretName}`,
    auto: "never",
    holdsData: false,
    writeOnly: ["properties.value"],
    // The value is sent and never returned.
    computed: ({ inputs, random }) => {
      const { value, ...properties } = inputs["properties"] as Record<string, Tree>;
      void value;
      const uri = `https://${textAt(inputs, "vaultName")}.vault.azure.net/secrets/${textAt(inputs, "secretName")}`;
      return {
        properties: {
          ...properties,
          secretUri: uri,
          // Whatever is sent is a version of its own.
          secretUriWithVersion: `${uri}/${random(`version ${JSON.stringify(inputs["properties"])}`, 32)}`,
        },
      };
    },
  },
  "keyvault:Key": {
    id: `${VAULT}/keys/{keyName}`,
    auto: "never",
    immutable: ["properties.kty", "properties.keySize", "properties.curveName"],
    computed: ({ inputs, random }) => {
      const uri = `https://${textAt(inputs, "vaultName")}.vault.azure.net/keys/${textAt(inputs, "keyName")}`;
      return { keyUri: uri, keyUriWithVersion: `${uri}/${random("version", 32)}` };
    },
  },
  "managedidentity:UserAssignedIdentity": {
    id: IDENTITY,
    computed: (made) => ({ ...principal(made), clientId: made.guid("client") }),
  },
  "managedidentity:FederatedIdentityCredential": {
    id: `${IDENTITY}/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}`,
    serialisedUpTo: "resourceName",
  },
  "authorization:RoleAssignment": {
    id: "{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
    auto: "guid",
    immutable: [
      "principalId",
      "roleDefinitionId",
      "principalType",
      "condition",
      "delegatedManagedIdentityResourceId",
    ],
    check: mustBeGuid("roleAssignmentName"),
    computed: () => ({ createdOn: "2026-01-01T00:00:00Z", updatedOn: "2026-01-01T00:00:00Z" }),
  },
  "authorization:RoleDefinition": {
    id: "{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}",
    auto: "guid",
    required: ["roleName", "permissions", "assignableScopes"],
    check: mustBeGuid("roleDefinitionId"),
  },
  "authorization:PolicyAssignment": {
    id: "{scope}/providers/Microsoft.Authorization/policyAssignments/{policyAssignmentName}",
    required: ["policyDefinitionId"],
    immutable: ["policyDefinitionId"],
    check: policyName,
  },
  "authorization:ManagementLockByScope": {
    id: "{scope}/providers/Microsoft.Authorization/locks/{lockName}",
  },
};
