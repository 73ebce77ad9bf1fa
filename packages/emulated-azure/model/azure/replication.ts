import { lastName } from "../ids";
import { stringAt, textAt, withoutKey } from "../paths";
import { Cloud, CloudError, Stored, Tree } from "../types";
import { armKey } from "./arm";

export const SERVER = "azure-native:dbforpostgresql:Server";
const ENDPOINT = "azure-native:dbforpostgresql:VirtualEndpoint";

/** How a replica takes over (https://learn.microsoft.com/azure/postgresql/read-replica/concepts-read-replicas-promote). */
export interface Promotion {
  /** `switchover` turns the pair round; `standalone` leaves the old primary as it is. */
  readonly mode: "standalone" | "switchover";
  /** `planned` waits for the replica to catch up, so the primary must answer; `forced` does not. */
  readonly option: "planned" | "forced";
  /** Whether the primary answers. */
  readonly primaryAnswers: boolean;
}

/** The two ends of a promotion as the cloud holds them afterwards. */
export interface Promoted {
  readonly stored: Stored;
  /** The server it followed; absent when that is gone. */
  readonly former?: Stored;
}

/** Whether what a server says of itself is that it follows another. */
export const isFollower = (outputs: Tree): boolean =>
  /AsyncReplica$/.test(textAt(outputs, "replicationRole"));

export const isReplica = ({ outputs }: Stored): boolean => isFollower(outputs);

/** The server a replica follows, as far as it exists. */
export function sourceOf(cloud: Cloud, server: Stored): Stored | undefined {
  const source =
    stringAt(server.outputs, "sourceServerResourceId") ?? stringAt(server.inputs, "sourceServerResourceId");
  return source === undefined ? undefined : cloud.get(armKey(source));
}

/** Servers that follow one. */
export function replicasOf(cloud: Cloud, server: Stored): Stored[] {
  return [...cloud.all()].filter(
    (other) => other.type === SERVER && isReplica(other) && sourceOf(cloud, other)?.key === server.key,
  );
}

/** The server an endpoint's writer name leads to: of the server it stands below and that one's pair, who writes. */
export function writerOf(cloud: Cloud, endpoint: Stored): Stored | undefined {
  const owner = ownerOf(cloud, endpoint);
  return owner && isReplica(owner) ? sourceOf(cloud, owner) : owner;
}

/** The server an endpoint's reader name leads to: its member, else the writer. */
export function readerOf(cloud: Cloud, endpoint: Stored): Stored | undefined {
  const [member] = members(endpoint.outputs);
  const named = [...cloud.all()].find(
    ({ type, id }) => type === SERVER && lastName(id).toLowerCase() === member?.toLowerCase(),
  );
  return named ?? writerOf(cloud, endpoint);
}

/**
 * Before a server goes: an endpoint that stands below it and leads elsewhere, as after a promotion, goes on below the server that
 * writes, as whose it has been shown since.
 */
export function handOver(cloud: Cloud, server: Stored): void {
  for (const endpoint of endpointsOf(cloud, server)) {
    const writer = writerOf(cloud, endpoint);
    if (!writer || writer.key === server.key || ownerOf(cloud, endpoint)?.key !== server.key) continue;
    const id = `${writer.id}/virtualendpoints/${lastName(endpoint.id)}`;
    const { resourceGroupName } = writer.inputs;
    cloud.remove(endpoint.key);
    cloud.put({
      ...endpoint,
      key: armKey(id),
      id,
      inputs: {
        ...endpoint.inputs,
        serverName: lastName(writer.id),
        ...(resourceGroupName !== undefined && { resourceGroupName }),
      },
    });
  }
}

/** The server whose path an endpoint was made under. */
export function ownerOf(cloud: Cloud, endpoint: Stored): Stored | undefined {
  return cloud.get(armKey(endpoint.id.replace(/\/virtualendpoints\/[^/]+$/i, "")));
}

/** Endpoints of a server: those below it, or below the other one of its pair. Of one that was restored its source is no pair. */
export function endpointsOf(cloud: Cloud, server: Stored): Stored[] {
  const pair = new Set([
    server.key,
    isReplica(server) ? sourceOf(cloud, server)?.key : undefined,
    ...replicasOf(cloud, server).map(({ key }) => key),
  ]);
  return [...cloud.all()].filter(
    (other) => other.type === ENDPOINT && pair.has(ownerOf(cloud, other)?.key ?? ""),
  );
}

const ENDPOINT_PATH = /^(.*\/flexibleservers\/[^/]+)\/virtualendpoints\/([^/]+)$/i;

/** The endpoint an id names, below whichever server of its pair; undefined when the id is none's. */
export function endpointAt(cloud: Cloud, id: string): { endpoint: Stored; server: Stored } | undefined {
  const [, path, name] = ENDPOINT_PATH.exec(id) ?? [];
  const server = path === undefined ? undefined : cloud.get(armKey(path));
  if (!server || server.softDeleted) return undefined;
  const endpoint = endpointsOf(cloud, server).find(
    ({ id: own }) => lastName(own).toLowerCase() === name?.toLowerCase(),
  );
  return endpoint && { endpoint, server };
}

/**
 * An endpoint belongs to the server that writes: under the other one's path the service answers 400 (seen by
 * https://github.com/hashicorp/terraform-provider-azurerm/pull/30789).
 * @throws CloudError 400
 */
export function refuseInactive(cloud: Cloud, id: string): void {
  const server = endpointAt(cloud, id)?.server;
  if (server && isReplica(server)) {
    throw new CloudError(
      400,
      "ServerNotActive",
      `The server '${lastName(server.id)}' is not the active one of its pair.`,
    );
  }
}

/** Ways a server is made that give it what hangs on another. */
const TAKES_DATA = new Set(["PointInTimeRestore", "GeoRestore", "Replica"]);

/**
 * What a server has from the one its data are from, beside itself. Whether Azure brings the parameters to a restored one too is not
 * sourced: here it does not, which is the harder of the two for whoever restores.
 */
const OF_DATA = ["azure-native:dbforpostgresql:Database"];

/** Lists below a server that was made from another what that one has below itself, as its data brought it. */
export function restored(cloud: Cloud, server: Stored): void {
  const source = sourceOf(cloud, server);
  if (server.type === SERVER && source && TAKES_DATA.has(stringAt(server.inputs, "createMode") ?? ""))
    bring(cloud, source, server);
}

function bring(cloud: Cloud, source: Stored, server: Stored): void {
  const name = lastName(server.id);
  const prefix = `${source.id.toLowerCase()}/`;
  for (const child of [...cloud.all()]) {
    if (!OF_DATA.includes(child.type) || !child.id.toLowerCase().startsWith(prefix)) continue;
    const id = `${server.id}${child.id.slice(source.id.length)}`;
    const group = stringAt(server.inputs, "resourceGroupName") ?? textAt(child.inputs, "resourceGroupName");
    cloud.put({
      ...child,
      key: armKey(id),
      id,
      inputs: { ...child.inputs, serverName: name, resourceGroupName: group },
    });
  }
}

/**
 * Lets a replica take over.
 * @throws CloudError 400 when the server follows none, a switchover has no endpoint whose reader leads to it, or a
 * planned promotion finds the primary silent.
 */
export function promote(
  cloud: Cloud,
  replica: Stored,
  { mode, option, primaryAnswers }: Promotion,
): Promoted {
  const name = lastName(replica.id);
  const refuse = (code: string, message: string): never => {
    throw new CloudError(400, code, message);
  };
  if (!isReplica(replica)) refuse("ServerNotReadReplica", `Server '${name}' is not a read replica.`);
  const former = sourceOf(cloud, replica);
  if (option === "planned" && !(former && primaryAnswers)) {
    refuse("PlannedPromotionNotPossible", `The primary of '${name}' does not answer; use the forced option.`);
  }
  const endpoints = endpointsOf(cloud, replica).filter(({ outputs }) =>
    members(outputs).some((member) => member.toLowerCase() === name.toLowerCase()),
  );
  if (mode === "switchover" && endpoints.length === 0) {
    refuse(
      "VirtualEndpointNotFound",
      `No virtual endpoint has '${name}' as its reader; a switchover needs one.`,
    );
  }
  // Neither has a standby afterwards, and the promoted server follows nobody any more.
  const stored = changed(replica, { replicationRole: "Primary", replicaCapacity: 5 }, [
    "sourceServerResourceId",
  ]);
  cloud.put(stored);
  if (!former) return { stored };
  // It had them all along, as a follower; from now on they are its own.
  bring(cloud, former, stored);
  if (mode === "standalone") return { stored, former };
  const demoted = changed(former, {
    replicationRole: "AsyncReplica",
    replicaCapacity: 0,
    sourceServerResourceId: replica.id,
  });
  cloud.put(demoted);
  for (const endpoint of endpoints) {
    cloud.put({ ...endpoint, outputs: { ...endpoint.outputs, members: [lastName(former.id)] } });
  }
  return { stored, former: demoted };
}

/** A server in another role: it has no standby, and its inputs read as it is now. */
function changed(server: Stored, now: Tree, without: readonly string[] = []): Stored {
  const off = (tree: Tree): Tree =>
    tree["highAvailability"] === undefined ? tree : { ...tree, highAvailability: { mode: "Disabled" } };
  // However it was made: whatever is sent from now on changes a server that is there.
  const there: Tree = withoutKey({ ...server.inputs, createMode: "Update" }, "replicationRole");
  const inputs: Tree =
    typeof now["sourceServerResourceId"] === "string"
      ? { ...there, sourceServerResourceId: now["sourceServerResourceId"] }
      : there;
  return {
    ...server,
    inputs: without.reduce(withoutKey, off(inputs)),
    outputs: without.reduce(withoutKey, { ...off(server.outputs), ...now }),
  };
}

function members(outputs: Tree): string[] {
  const value = outputs["members"];
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}
