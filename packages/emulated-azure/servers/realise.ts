import { randomBytes } from "node:crypto";
import { allowedExtensions, settingsOf, type Parameter } from "../../local-servers/flexibleShape";
import type { EmulatedCloud } from "../cloud";
import type { CloudEvent } from "../hooks";
import { isReplica, readerOf, sourceOf, writerOf } from "../model/azure/replication";
import { liveOfType } from "../model/cloud";
import { lastName } from "../model/ids";
import { stringAt, textAt } from "../model/paths";
import { CloudError, type Cloud, type Stored } from "../model/types";
import { changePassword, createDatabase, dropDatabase, type Administrator } from "./administrator";
import { followed } from "./behind";
import { DatabaseServers } from "./cloud";
import { ServiceError } from "./errors";
import type { HomeOptions } from "./home";
import type { DatabaseServer } from "./server";

const SERVER = "azure-native:dbforpostgresql:Server";
const DATABASE = "azure-native:dbforpostgresql:Database";
const ENDPOINT = "azure-native:dbforpostgresql:VirtualEndpoint";
const PARAMETER = "azure-native:dbforpostgresql:Configuration";
/** The major version where the cloud names none. */
const NEWEST_OFFERED = 17;

/** Name of the server a resource stands below. */
const ownerOf = ({ id }: Stored): string => /\/flexibleServers\/([^/]+)/i.exec(id)?.[1] ?? "";
const regionOf = ({ inputs }: Stored): string => textAt(inputs, "location").toLowerCase().replaceAll(" ", "");

/**
 * Starts a real PostgreSQL server for every server the cloud holds, empty, with its replicas, databases, parameters,
 * PgBouncer and names, and lets what happens to those in the cloud happen to them from then on: an operation counts as
 * done once it is done there. One major version for all: the newest any of them wants.
 * @throws NotRunError when PostgreSQL or PgBouncer is not installed
 */
export async function realise(cloud: EmulatedCloud, tls: HomeOptions["tls"]): Promise<DatabaseServers> {
  const store = cloud.cloud;
  const all = liveOfType(store, SERVER);
  const versions = all.map(({ outputs }) => Number(stringAt(outputs, "version") ?? 0)).filter(Boolean);
  const parameters = liveOfType(store, PARAMETER).map(parameterOf);
  const servers = await DatabaseServers.open({
    version: versions.length > 0 ? Math.max(...versions) : NEWEST_OFFERED,
    tls,
    extensions: [...new Set(allowedExtensions(parameters))],
  });
  try {
    const made = new Realised(store, servers);
    const following = all.filter(isReplica);
    await Promise.all(all.filter((one) => !isReplica(one)).map((one) => made.createServer(one)));
    for (const replica of following) await made.createReplica(replica);
    for (const endpoint of liveOfType(store, ENDPOINT)) await made.createEndpoint(endpoint);
    const follow = followed(servers);
    cloud.hooks.on(async (event) => {
      try {
        await made.follow(event);
        await follow(event);
      } catch (error) {
        throw error instanceof ServiceError ? refusal(error) : error;
      }
    });
    return servers;
  } catch (error) {
    await servers.close();
    throw error;
  }
}

/** As the resource manager words it. */
function refusal({ code, message }: ServiceError): CloudError {
  return new CloudError(/AlreadyExists|IsBusy|HasReplicas/.test(code) ? 409 : 400, code, message);
}

const parameterOf = ({ inputs, id }: Stored): Parameter => ({
  name: stringAt(inputs, "configurationName") ?? lastName(id),
  value: textAt(inputs, "value"),
});

class Realised {
  constructor(
    private readonly cloud: Cloud,
    private readonly servers: DatabaseServers,
  ) {}

  async createServer(stored: Stored): Promise<void> {
    const name = lastName(stored.id);
    await this.servers.create({
      name,
      region: regionOf(stored),
      administrator: administratorOf(stored),
      highlyAvailable: standsBy(stored),
      parameters: settingsOf(this.parametersOf(name)),
    });
    for (const database of liveOfType(this.cloud, DATABASE))
      if (ownerOf(database) === name) await this.createDatabase(database);
    await this.pool(name);
  }

  async createReplica(stored: Stored): Promise<void> {
    const source = sourceOf(this.cloud, stored);
    if (!source) throw new ServiceError("ResourceNotFound", `${stored.id} follows no server of this cloud`);
    const name = lastName(stored.id);
    await this.servers.createReplica({ name, region: regionOf(stored), source: lastName(source.id) });
    this.servers.server(name).set(settingsOf(this.parametersOf(name)));
    await this.pool(name);
  }

  async createEndpoint(stored: Stored): Promise<void> {
    const [writer, reader] = [writerOf(this.cloud, stored), readerOf(this.cloud, stored)];
    if (!writer) return;
    const replica = reader && reader.key !== writer.key ? lastName(reader.id) : undefined;
    await this.servers.createVirtualEndpoint(lastName(stored.id), lastName(writer.id), replica);
  }

  async follow(event: CloudEvent): Promise<void> {
    if (event.kind === "created") await this.created(event.stored);
    if (event.kind === "updated") await this.updated(event.stored, event.before);
    if (event.kind === "deleted") await this.deleted(event.before);
  }

  private async created(stored: Stored): Promise<void> {
    const { inputs, type } = stored;
    if (type === DATABASE) return this.createDatabase(stored);
    if (type === PARAMETER) return this.setParameter(stored);
    if (type === ENDPOINT) return this.createEndpoint(stored);
    if (type !== SERVER) return;
    const mode = stringAt(inputs, "createMode");
    if (isReplica(stored)) return this.createReplica(stored);
    if (mode !== "PointInTimeRestore" && mode !== "GeoRestore") return this.createServer(stored);
    const moment = stringAt(inputs, "pointInTimeUTC");
    const name = lastName(stored.id);
    await this.servers.restore({
      name,
      region: regionOf(stored),
      source: lastName(stringAt(inputs, "sourceServerResourceId") ?? ""),
      ...(moment !== undefined && { moment: new Date(moment) }),
    });
    await this.pool(name);
  }

  private async updated(stored: Stored, before: Stored): Promise<void> {
    if (stored.type === PARAMETER) return this.setParameter(stored);
    if (stored.type === ENDPOINT) return this.createEndpoint(stored);
    const server = stored.type === SERVER ? this.find(lastName(stored.id)) : undefined;
    if (!server || server.isReplica) return;
    const password = stringAt(stored.inputs, "administratorLoginPassword");
    if (password !== undefined && password !== server.administrator.password) {
      server.administrator = { ...server.administrator, password };
      await changePassword(server.instance, server.administrator);
    }
    if (standsBy(stored) && !standsBy(before)) await server.enableStandby();
    if (!standsBy(stored) && standsBy(before)) await server.disableStandby();
  }

  private async deleted(before: Stored): Promise<void> {
    if (before.type === ENDPOINT) {
      this.servers.deleteVirtualEndpoint(lastName(before.id));
      return;
    }
    const server = before.type === DATABASE ? this.find(ownerOf(before)) : undefined;
    if (server && !server.isReplica) await dropDatabase(server.instance, lastName(before.id));
  }

  private async createDatabase(stored: Stored): Promise<void> {
    const server = this.find(ownerOf(stored));
    // A replica has its source's.
    if (server && !server.isReplica)
      await createDatabase(server.instance, lastName(stored.id), server.administrator);
  }

  /** One that is read at the start only is in force after the next restart, as there. */
  private async setParameter(stored: Stored): Promise<void> {
    const parameter = parameterOf(stored);
    const server = this.find(ownerOf(stored));
    server?.set(settingsOf([parameter]));
    if (server && parameter.name === "pgbouncer.enabled") await this.pool(server.name);
  }

  private async pool(name: string): Promise<void> {
    const parameters = this.parametersOf(name);
    const value = (wanted: string): string | undefined =>
      parameters.find((parameter) => parameter.name === `pgbouncer.${wanted}`)?.value;
    if (value("enabled")?.toLowerCase() !== "true") return;
    const settings = POOL_SETTINGS.flatMap((setting): [string, string][] => {
      const given = value(setting);
      return given === undefined ? [] : [[setting, given]];
    });
    await this.servers.enablePooler(name, Object.fromEntries(settings));
  }

  private parametersOf(server: string): Parameter[] {
    return liveOfType(this.cloud, PARAMETER)
      .filter((stored) => ownerOf(stored) === server)
      .map(parameterOf);
  }

  private find(name: string): DatabaseServer | undefined {
    return this.servers.names.includes(name) ? this.servers.server(name) : undefined;
  }
}

/** Settings of PgBouncer that Azure lets its users set, as `pgbouncer.<name>`. */
const POOL_SETTINGS = [
  "default_pool_size",
  "ignore_startup_parameters",
  "max_client_conn",
  "max_prepared_statements",
  "min_pool_size",
  "pool_mode",
  "query_wait_timeout",
  "server_idle_timeout",
];

/** Where only Entra signs in nobody knows the password. */
function administratorOf({ inputs, outputs }: Stored): Administrator {
  return {
    login: stringAt(inputs, "administratorLogin") ?? stringAt(outputs, "administratorLogin") ?? "entra_only",
    password: stringAt(inputs, "administratorLoginPassword") ?? randomBytes(18).toString("base64url"),
  };
}

function standsBy({ outputs }: Stored): boolean {
  return !["", "Disabled"].includes(textAt(outputs, "highAvailability.mode"));
}
