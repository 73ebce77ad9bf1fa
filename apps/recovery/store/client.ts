import { BlobServiceClient, RestError, type ContainerClient } from "@azure/storage-blob";
import { FailedError, messageOf } from "../errors";
import type { Settings } from "../settings";

const PREFLIGHT_MS = 15_000;

/** The status and code of a refusal by the blob service; undefined for any other error. */
export function refusal(error: unknown): { status: number; code: string } | undefined {
  if (!(error instanceof RestError) || error.statusCode === undefined) return undefined;
  const details = error.details as { errorCode?: string } | undefined;
  return { status: error.statusCode, code: error.code ?? details?.errorCode ?? "" };
}

/** Access to the backup containers. */
export class BlobStore {
  private constructor(
    readonly service: BlobServiceClient,
    /** Host, for messages. */
    readonly location: string,
  ) {}

  static async open(settings: Pick<Settings, "store">): Promise<BlobStore> {
    const options = {
      retryOptions: { maxTries: 4, retryDelayInMs: 500, maxRetryDelayInMs: 8_000, tryTimeoutInMs: 120_000 },
    };
    const { store } = settings;
    if ("connectionString" in store) {
      const service = BlobServiceClient.fromConnectionString(store.connectionString, options);
      return new BlobStore(service, new URL(service.url).host);
    }
    // Loaded on demand: the identity library costs half a second, and the emulator has no use for it.
    const { DefaultAzureCredential } = await import("@azure/identity");
    return new BlobStore(
      new BlobServiceClient(store.url, new DefaultAzureCredential(), options),
      new URL(store.url).host,
    );
  }

  container(name: string): ContainerClient {
    return this.service.getContainerClient(name);
  }

  /**
   * Fails unless the container is there and may be read.
   * @returns the blob service's clock
   */
  async requireContainer(name: string): Promise<Date> {
    try {
      const page = await this.container(name)
        .listBlobsFlat({ abortSignal: AbortSignal.timeout(PREFLIGHT_MS) })
        .byPage({ maxPageSize: 1 })
        .next();
      const response = page.value as { _response?: { parsedHeaders?: { date?: Date } } } | undefined;
      return response?._response?.parsedHeaders?.date ?? new Date();
    } catch (error) {
      throw this.explain(error, `container "${name}"`);
    }
  }

  /** An error that says what was asked for, where, and why it was refused. */
  explain(error: unknown, what: string): FailedError {
    if (error instanceof FailedError) return error;
    const where = `${what} at ${this.location}`;
    const said = refusal(error);
    if (said?.code === "ContainerNotFound") return new FailedError(`${where}: the container does not exist`);
    if (said?.code === "BlobNotFound" || said?.status === 404) return new FailedError(`${where}: not found`);
    if (said?.status === 403 || said?.status === 401) {
      return new FailedError(
        `${where}: access denied (${said.code}); check the identity, its role and the clock`,
      );
    }
    const message = messageOf(error);
    if (/CredentialUnavailable|TokenCredential|AuthenticationRequired/.test(message)) {
      return new FailedError(
        `${where}: no usable Azure identity; in a cluster check the workload identity, elsewhere run az login`,
      );
    }
    const reason = /aborted/i.test(message) ? `no answer within ${PREFLIGHT_MS / 1000} s` : message;
    return new FailedError(`${where}: ${said ? `${said.status} ${said.code}` : reason.slice(0, 300)}`);
  }
}
