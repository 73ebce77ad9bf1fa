import { lastName } from "../ids";
import { objectsAt, stringAt } from "../paths";
import { Cloud, CloudError, Stored, Tree } from "../types";

type Placed = Pick<Stored, "key" | "id" | "inputs">;

/** What of a type there is one of at most, whatever it is called. */
interface OnlyOne {
  /** What no other has, each by itself; a part that is not known yet is undefined. */
  marks(resource: Placed): readonly (readonly (string | undefined)[])[];
  readonly status: 400 | 409;
  readonly code: string;
  says(mark: readonly string[], other: Stored): string;
}

/** The id of what another extends or lies in. */
const above = (id: string, segment: RegExp): string => id.slice(0, id.search(segment));

const SINKS = ["workspaceId", "storageAccountId", "eventHubAuthorizationRuleId"];

/** What a diagnostic setting sends, as far as it does. */
const categories = (inputs: Tree): (string | undefined)[] =>
  ["logs", "metrics"]
    .flatMap((kind) => objectsAt(inputs, kind))
    .filter(({ enabled }) => enabled === true)
    .map((one) => stringAt(one, "category") ?? stringAt(one, "categoryGroup"));

const TYPES: Readonly<Record<string, OnlyOne>> = {
  // https://github.com/hashicorp/terraform-provider-azurerm/issues/28557
  "azure-native:authorization:RoleAssignment": {
    marks: ({ inputs }) => [
      [
        stringAt(inputs, "scope"),
        stringAt(inputs, "principalId"),
        lastName(stringAt(inputs, "roleDefinitionId") ?? "") || undefined,
      ],
    ],
    status: 409,
    code: "RoleAssignmentExists",
    says: (_mark, other) =>
      `The role assignment already exists. The ID of the existing role assignment is ${lastName(other.id).replaceAll("-", "")}.`,
  },
  // https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#custom-roles
  "azure-native:authorization:RoleDefinition": {
    marks: ({ inputs }) => [[stringAt(inputs, "roleName")]],
    status: 409,
    code: "RoleDefinitionWithSameNameExists",
    says: ([name = ""]) =>
      `A custom role with the name '${name}' already exists in this directory. Use a different name.`,
  },
  // https://github.com/MicrosoftDocs/azure-aks-docs/issues/212
  "azure-native:privatedns:VirtualNetworkLink": {
    marks: ({ id, inputs }) => [
      [stringAt(inputs, "virtualNetwork.id"), lastName(above(id, /\/virtualNetworkLinks\//i))],
    ],
    status: 400,
    code: "BadRequest",
    says: ([, zone = ""]) =>
      `A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link virtual network with '${zone}' and '${zone}' zones.`,
  },
  // https://github.com/Azure/terraform-azurerm-avm-ptn-aiml-landing-zone/issues/19
  "azure-native:monitor:DiagnosticSetting": {
    marks: ({ id, inputs }) =>
      SINKS.flatMap((sink) =>
        categories(inputs).map((category) => [
          above(id, /\/providers\/Microsoft\.Insights\/diagnosticSettings\//i),
          stringAt(inputs, sink),
          category,
        ]),
      ),
    status: 409,
    code: "Conflict",
    says: ([, sink = "", category = ""], other) =>
      `Data sink '${sink}' is already used in diagnostic setting '${lastName(other.id)}' for category '${category}'. Data sinks can't be reused in different settings on the same category for the same resource.`,
  },
};

const textOf = (mark: readonly string[]): string => mark.join(" ").toLowerCase();

const known = (mark: readonly (string | undefined)[]): mark is readonly string[] => !mark.includes(undefined);

/**
 * Refuses what there is already under another name.
 * @throws CloudError 400 or 409, as the service answers.
 */
export function refuseSecond(cloud: Cloud, type: string, resource: Placed): void {
  const only = TYPES[type];
  if (!only) return;
  const marks = only.marks(resource).filter(known);
  for (const other of cloud.ofType(type)) {
    if (other.key === resource.key || other.softDeleted) continue;
    const taken = new Set(only.marks(other).filter(known).map(textOf));
    const mark = marks.find((one) => taken.has(textOf(one)));
    if (mark) throw new CloudError(only.status, only.code, only.says(mark, other));
  }
}
