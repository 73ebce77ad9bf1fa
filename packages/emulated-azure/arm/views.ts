import {
  endpointAt,
  endpointsOf,
  isReplica,
  ownerOf,
  refuseInactive,
  writerOf,
} from "../model/azure/replication";
import { armKey } from "../model/azure/arm";
import { lastName } from "../model/ids";
import { objectsAt, stringAt, treeAt } from "../model/paths";
import { linkStatus } from "../model/azure/consequences";
import type { Cloud, Model, Stored, Tree } from "../model/types";
import { etagName, etagOf } from "./conditions";
import type { ArmJson } from "./json";

/** What a view may look at. */
interface Around {
  readonly cloud: Cloud;
  readonly model: Model;
  readonly json: ArmJson;
  readonly now: () => Date;
}

/** Parts of a resource that are other resources, or that follow from the time, as ARM shows them in its JSON. */
type View = (stored: Stored, body: Tree, around: Around) => Tree;

function below(stored: Stored, type: string, { cloud, model, json }: Around): Tree[] {
  const prefix = `${stored.id.toLowerCase()}/`;
  return [...cloud.ofType(type)]
    .filter((other) => other.id.toLowerCase().startsWith(prefix))
    .map((other) => json.resource(other, model.resource(type)));
}

function inProperties(body: Tree, more: Tree): Tree {
  return { ...body, properties: { ...(body["properties"] as Tree | undefined), ...more } };
}

const EARLIEST_MS = 5 * 60_000;

const VIEWS: Readonly<Record<string, View>> = {
  "azure-native:network:VirtualNetwork": (stored, body, around) =>
    inProperties(body, { subnets: below(stored, "azure-native:network:Subnet", around) }),
  "azure-native:network:PrivateLinkService": (stored, body, around) =>
    inProperties(body, {
      privateEndpointConnections: below(
        stored,
        "azure-native:network:PrivateLinkServicePrivateEndpointConnection",
        around,
      ),
    }),
  // https://learn.microsoft.com/rest/api/frontdoor/azurefrontdoorstandardpremium/afd-origins/get#sharedprivatelinkresourceproperties
  "azure-native:cdn:AFDOrigin": (stored, body, { cloud }) => {
    const status = linkStatus(cloud, stored);
    const { sharedPrivateLinkResource } = (body["properties"] ?? {}) as Tree;
    return status === undefined
      ? body
      : inProperties(body, {
          sharedPrivateLinkResource: { ...(sharedPrivateLinkResource as Tree | undefined), status },
        });
  },
  "azure-native:dbforpostgresql:Server": (stored, body, { cloud, now }) => {
    const backup = stored.outputs["backup"] as Tree | undefined;
    const connections = [...cloud.all()].filter(
      ({ type, inputs }) =>
        type === "azure-native:network:PrivateEndpoint" &&
        objectsAt(inputs, "privateLinkServiceConnections").some(
          (one) => stringAt(one, "privateLinkServiceId")?.toLowerCase() === stored.id.toLowerCase(),
        ),
    );
    const properties = body["properties"] as Tree | undefined;
    return inProperties(body, {
      // A replica keeps no backups; a server's reach back to its creation, as far as this cloud lives.
      ...(backup &&
        !isReplica(stored) && {
          backup: { ...backup, earliestRestoreDate: new Date(now().getTime() - EARLIEST_MS).toISOString() },
        }),
      replica: {
        role: stringAt(stored.outputs, "replicationRole") ?? "Primary",
        capacity: (stored.outputs["replicaCapacity"] as number | undefined) ?? 0,
        ...(isReplica(stored) && { replicationState: "Active" }),
      },
      highAvailability: ha(properties?.["highAvailability"] as Tree | undefined),
      privateEndpointConnections: connections.map(({ id }) => ({
        id: `${stored.id}/privateEndpointConnections/${lastName(id)}`,
        properties: {
          privateEndpoint: { id },
          privateLinkServiceConnectionState: { status: "Approved", description: "", actionsRequired: "None" },
          provisioningState: "Succeeded",
        },
      })),
    });
  },
};

function ha(given: Tree | undefined): Tree {
  const mode = given?.["mode"] ?? "Disabled";
  return { ...given, mode, state: given?.["state"] ?? (mode === "Disabled" ? "NotEnabled" : "Healthy") };
}

/** Beside each identity a resource is given stands whose it is. */
function withIdentities(body: Tree, cloud: Cloud): Tree {
  const identity = treeAt(body, "identity");
  const given = identity && treeAt(identity, "userAssignedIdentities");
  if (!given) return body;
  const whose = Object.keys(given).map((id) => {
    const outputs = cloud.get(`arm:${id.toLowerCase()}`)?.outputs ?? {};
    return [id, only(outputs, ["principalId", "clientId"])] as const;
  });
  return { ...body, identity: { ...identity, userAssignedIdentities: Object.fromEntries(whose) } };
}

const only = (tree: Tree, names: readonly string[]): Tree =>
  Object.fromEntries(Object.entries(tree).filter(([name]) => names.includes(name)));

/** A resource in ARM's JSON, whole. */
export function shown(stored: Stored, around: Around): Tree {
  const etag = etagName(stored.type);
  const body = withIdentities(
    {
      ...around.json.resource(stored, around.model.resource(stored.type)),
      ...(etag && { [etag]: etagOf(stored) }),
    },
    around.cloud,
  );
  return VIEWS[stored.type]?.(stored, body, around) ?? body;
}

const ENDPOINT = "azure-native:dbforpostgresql:VirtualEndpoint";

/**
 * A resource asked for by its id; an endpoint also by the path below the other server of its pair.
 * @throws CloudError 400 by the path below the one that does not write
 */
export function findShown(id: string, around: Around): { stored: Stored; id: string } | undefined {
  const { cloud } = around;
  refuseInactive(cloud, id);
  const found = endpointAt(cloud, id);
  if (found) return { stored: found.endpoint, id };
  const stored = cloud.get(`arm:${id.toLowerCase()}`);
  return stored && !stored.softDeleted ? { stored, id: stored.id } : undefined;
}

/** Resources of a type at a scope: those whose id lies below it; endpoints of a server are its pair's. */
export function listed(type: string, scope: string, around: Around): { stored: Stored; id: string }[] {
  const { cloud } = around;
  if (type === ENDPOINT) {
    const server = cloud.get(`arm:${scope.toLowerCase()}`);
    if (!server || isReplica(server)) return [];
    return endpointsOf(cloud, server)
      .filter((endpoint) => (writerOf(cloud, endpoint) ?? ownerOf(cloud, endpoint))?.key === server.key)
      .map((stored) => ({
        stored,
        id: `${server.id}/virtualendpoints/${lastName(stored.id)}`,
      }));
  }
  // A key is the id in lower case already.
  const prefix = armKey(`${scope}/`);
  return [...cloud.ofType(type)]
    .filter((other) => !other.softDeleted && other.key.startsWith(prefix))
    .map((stored) => ({ stored, id: stored.id }));
}
