import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
import type { Principal } from "../../../packages/emulated-azure/rights/directory";
import { readStackFile } from "../../../stacks/files";
import { stackControlNames } from "../../../stacks/names";
import { projectRoot } from "../../../packages/command/root";
import type { Served } from "../serve";

const BLOB = "/pulumi-state/.pulumi/stacks/forma3d/prod.json";
const STORAGE = "https://storage.azure.com";
const SECONDS = 10;

/** Where an account of the state is. */
export type StateHome = "home" | "copy";

/**
 * What an environment is deployed from, on a served cloud: the accounts of the state, asked through the front as the identity
 * that deploys, with the rights its own program gives it.
 */
export class State {
  private readonly who: Principal;
  private readonly accounts: Record<StateHome, { region: string; account: string }>;

  constructor(
    private readonly served: Served,
    stack: string,
  ) {
    const names = stackControlNames(readStackFile(projectRoot(__dirname), stack).config);
    const of = ({ region, storageAccount: account }: typeof names.home) => ({ region, account });
    this.accounts = { home: of(names.home), copy: of(names.copy) };
    const { directory } = served.cloud;
    const identity = directory.all().find(({ displayName }) => displayName === names.identities.deploy);
    if (!identity) throw new Error(`the control plane of ${stack} is not served`);
    this.who = directory.add({ ...identity, secret: randomBytes(24).toString("base64url") });
  }

  /** Region an account stands in. */
  region(home: StateHome): string {
    return this.accounts[home].region;
  }

  write(home: StateHome, content: string): Promise<string> {
    return this.ask("PUT", home, content);
  }

  /** What is read, or why nothing is. */
  read(home: StateHome): Promise<string> {
    return this.ask("GET", home);
  }

  private async ask(method: "GET" | "PUT", home: StateHome, content?: string): Promise<string> {
    const { listening, cloud } = this.served;
    const host = `${this.accounts[home].account}.blob.core.windows.net`;
    const token = cloud.directory.issue(this.who, STORAGE);
    const { hostname, port } = new URL(listening.address);
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = https.request(
          {
            ...{ hostname, port, method, path: BLOB, servername: host, ca: listening.certificate },
            agent: false,
            timeout: SECONDS * 1000,
            headers: {
              host,
              authorization: `Bearer ${token}`,
              "x-ms-version": "2024-11-04",
              ...(content !== undefined && {
                "x-ms-blob-type": "BlockBlob",
                "content-length": Buffer.byteLength(content),
              }),
            },
          },
          resolve,
        );
        request.on("error", reject);
        request.on("timeout", () => request.destroy(new Error(`no answer within ${SECONDS} s`)));
        request.end(content);
      });
      const body = await text(response);
      const { statusCode = 0 } = response;
      return statusCode < 300 ? (method === "GET" ? body : "written") : `refused with ${statusCode}`;
    } catch (error) {
      return `no answer: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}
