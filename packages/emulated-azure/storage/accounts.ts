import http from "node:http";
import {
  BlobServiceClient,
  generateAccountSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
} from "@azure/storage-blob";
import { startAzurite, type LocalAzurite } from "../../local-servers/azurite";
import { loopback } from "../../local-servers/ports";
import type { EmulatedCloud } from "../cloud";
import type { CloudEvent } from "../hooks";
import { armKey } from "../model/azure/arm";
import { lastName } from "../model/ids";
import { present } from "../model/links";
import { stringAt } from "../model/paths";
import { CloudError, type Stored } from "../model/types";
import { ONE_EACH } from "../onward";
import { type BlobReply, Versions } from "./versions";

const ACCOUNT = "azure-native:storage:StorageAccount";
const CONTAINER = "azure-native:storage:BlobContainer";
const SERVICE = "azure-native:storage:BlobServiceProperties";
export const POLICY = "azure-native:storage:BlobContainerImmutabilityPolicy";
/** Why a container stays (https://github.com/Azure/azure-powershell/issues/26148). */
export const IMMUTABLE = {
  code: "ContainerImmutabilityPolicyLocked",
  says: "The requested operation is not allowed as the container has a locked immutability policy.",
} as const;
/** Longer than any cloud on a laptop lives. */
const SAS_MS = 7 * 86_400_000;

const nameOf = ({ id }: Stored): string => lastName(id);
const accountOf = ({ id }: Stored): string =>
  /\/storageAccounts\/([^/]+)/i.exec(id)?.[1]?.toLowerCase() ?? "";

/** A storage account, on a blob server that may hold others too. */
export class BlobAccount {
  readonly versions = new Versions();

  constructor(
    readonly name: string,
    private readonly port: number,
    private readonly sas: string,
  ) {}

  /** Options of a request to the server itself, by a path as Azure's clients have it, as somebody who may do anything. */
  onward(path: string): { host: string; port: number; path: string; agent: http.Agent } {
    const query = path.includes("?") ? "&" : "?";
    return { host: loopback, port: this.port, path: `${path}${query}${this.sas}`, agent: ONE_EACH };
  }

  get host(): string {
    return `${this.name}.blob.core.windows.net`;
  }

  /** Address of a blob for the server itself. */
  addressOf(path: string): string {
    return `http://${loopback}:${this.port}/${this.name}${this.onward(path).path}`;
  }

  /** One small request of the cloud's own. */
  ask(method: string, path: string, headers: Record<string, string> = {}): Promise<BlobReply> {
    return new Promise((resolve, reject) => {
      const own = { host: this.host, "x-ms-version": "2024-11-04", "content-length": "0", ...headers };
      const sent = http.request({ ...this.onward(path), method, headers: own }, (answer) => {
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (part: string) => (body += part));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
      });
      sent.on("error", reject).end();
    });
  }
}

/** Blob servers for the storage accounts the cloud holds, with the containers that were declared. */
export class StorageAccounts {
  private readonly accounts = new Map<string, BlobAccount>();
  private readonly servers: LocalAzurite[] = [];

  private constructor(private readonly cloud: EmulatedCloud) {}

  static async open(cloud: EmulatedCloud): Promise<StorageAccounts> {
    const accounts = new StorageAccounts(cloud);
    const all = [...cloud.cloud.all()];
    try {
      // One server for all that are there: each costs a second of a processor to start.
      await accounts.add(all.filter(({ type }) => type === ACCOUNT));
      for (const stored of all) if (stored.type === CONTAINER) await accounts.addContainer(stored);
    } catch (error) {
      await accounts.close();
      throw error;
    }
    cloud.hooks.on((event) => accounts.follow(event));
    return accounts;
  }

  get(name: string): BlobAccount | undefined {
    return this.accounts.get(name.toLowerCase());
  }

  get names(): string[] {
    return [...this.accounts.keys()];
  }

  /** Whether an account keeps what was overwritten or deleted as versions. */
  keepsVersions(name: string): boolean {
    return [...this.cloud.cloud.all()].some(
      (stored) =>
        stored.type === SERVICE &&
        accountOf(stored) === name &&
        stored.inputs["isVersioningEnabled"] === true,
    );
  }

  async close(): Promise<void> {
    this.accounts.clear();
    await Promise.all(this.servers.splice(0).map((server) => server.stop()));
  }

  private async add(stored: readonly Stored[]): Promise<void> {
    const [account, ...others] = stored.map((one) => nameOf(one).toLowerCase());
    if (account === undefined) return;
    const { port, keys } = await this.started(startAzurite({ account, others }));
    for (const [name, key] of keys) {
      const sas = generateAccountSASQueryParameters(
        {
          expiresOn: new Date(Date.now() + SAS_MS),
          permissions: AccountSASPermissions.parse("rwdlacupxytfi"),
          protocol: SASProtocol.HttpsAndHttp,
          resourceTypes: AccountSASResourceTypes.parse("sco").toString(),
          services: AccountSASServices.parse("b").toString(),
        },
        new StorageSharedKeyCredential(name, key),
      ).toString();
      this.accounts.set(name, new BlobAccount(name, port, sas));
    }
  }

  private async started(starting: Promise<LocalAzurite>): Promise<LocalAzurite> {
    const server = await starting;
    this.servers.push(server);
    return server;
  }

  private async addContainer(stored: Stored): Promise<void> {
    const account = this.accounts.get(accountOf(stored));
    if (account) await containerOf(account, stored).createIfNotExists();
  }

  private async follow(event: CloudEvent): Promise<void> {
    const stored = event.kind === "deleted" ? event.before : event.stored;
    if (event.kind === "created" && stored.type === ACCOUNT) await this.add([stored]);
    if (event.kind === "created" && stored.type === CONTAINER) await this.addContainer(stored);
    if (event.kind !== "deleted") return;
    const account = this.accounts.get(accountOf(stored));
    if (stored.type === POLICY) await this.refuseImmutable(stored);
    if (stored.type === CONTAINER && account) await containerOf(account, stored).deleteIfExists();
    if (stored.type !== ACCOUNT || !account) return;
    this.accounts.delete(account.name);
    // The server may hold others.
    const service = new BlobServiceClient(account.addressOf(""));
    for await (const { name } of service.listContainers()) await service.deleteContainer(name);
  }

  /**
   * A policy that goes with its container, and not with the whole account, must have had nothing to protect
   * (https://learn.microsoft.com/azure/storage/blobs/immutable-container-level-worm-policies#scenarios).
   * @throws CloudError 409
   */
  private async refuseImmutable({ id }: Stored): Promise<void> {
    const container = id.replace(/\/immutabilityPolicies\/.*$/i, "");
    const [account = ""] = container.split(/\/blobServices\//i);
    const server = this.accounts.get(lastName(account).toLowerCase());
    if (!server || !this.holds(account) || this.holds(container)) return;
    const client = new BlobServiceClient(server.addressOf("")).getContainerClient(lastName(container));
    const { value } = await client.listBlobsFlat({ includeSnapshots: true }).next();
    if (value === undefined) return;
    throw new CloudError(409, IMMUTABLE.code, IMMUTABLE.says);
  }

  private holds(id: string): boolean {
    return present(this.cloud.cloud, armKey(id));
  }
}

function containerOf(account: BlobAccount, stored: Stored) {
  const name = stringAt(stored.inputs, "containerName") ?? nameOf(stored);
  return new BlobServiceClient(account.addressOf("")).getContainerClient(name);
}
