import { randomBytes } from "node:crypto";
import path from "node:path";
import { bundle, WHOLE } from "../command/bundle.cjs";
import { projectRoot } from "../command/root";
import { loopback } from "./ports";
import { startSupervised, temporaryDirectory, whenReady } from "./supervised";

export interface LocalAzurite {
  /** For `BACKUP_STORE_CONNECTION_STRING`. The account key is drawn anew for every start. */
  connectionString: string;
  /** Blob endpoint, account included: `http://127.0.0.1:<port>/<account>`. */
  blobUrl: string;
  account: string;
  /** Key of every account of the server. */
  keys: ReadonlyMap<string, string>;
  port: number;
  dataDir: string;
  pid: number;
  /** Ends the server and deletes everything stored in it; safe to call twice. */
  stop(): Promise<void>;
}

export interface AzuriteOptions {
  /** Storage account name; default `forma3ddrill`. */
  account?: string;
  /** Further accounts on the same server, apart from each other. */
  others?: readonly string[];
  /** Seconds to wait for the first answer; default 30. */
  timeoutSeconds?: number;
}

const listening = /successfully listens on http:\/\/[^:\s]+:(\d+)/;

/** Starts the Azurite blob server on a free loopback port, with its data in a temporary folder. */
export async function startAzurite(options: AzuriteOptions = {}): Promise<LocalAzurite> {
  const account = options.account ?? "forma3ddrill";
  const drawn = (): string => randomBytes(64).toString("base64");
  const key = drawn();
  const keys = new Map([[account, key], ...(options.others ?? []).map((name) => [name, drawn()] as const)]);
  const directory = temporaryDirectory("azurite");
  const server = await startSupervised({
    directory,
    stopSignal: "KILL",
    environment: {
      ...process.env,
      AZURITE_ACCOUNTS: [...keys].map((one) => one.join(":")).join(";"),
      // With its code in one file and compiled once it starts in half the time.
      NODE_COMPILE_CACHE: path.join(projectRoot(__dirname), ".build/code"),
    },
    command: [
      process.execPath,
      // Node.js tells of what packages use that is deprecated where they are no packages any more.
      "--no-deprecation",
      program(),
      "--location",
      directory,
      "--blobHost",
      loopback,
      // The kernel picks the port, so no other process can take it in between.
      "--blobPort",
      "0",
      // The blob client speaks a newer protocol version than this emulator knows by name.
      "--skipApiVersionCheck",
      "--silent",
      "--disableTelemetry",
    ],
  });
  try {
    const announced = await whenReady(
      "Azurite",
      server,
      options.timeoutSeconds ?? 30,
      () => listening.exec(server.output())?.[1],
    );
    const port = Number(announced);
    const blobUrl = `http://${loopback}:${port}/${account}`;
    return {
      connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${blobUrl};`,
      blobUrl,
      account,
      keys,
      port,
      dataDir: directory,
      pid: server.pid,
      stop: server.stop,
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The server in one file, made anew only when what it is made of has changed. */
function program(): string {
  const root = projectRoot(__dirname);
  const outfile = path.join(root, ".build/local-servers/azurite.js");
  bundle({
    ...WHOLE,
    absWorkingDir: root,
    entryPoints: ["packages/local-servers/azuriteServer.cjs"],
    outfile,
    // For metadata kept in a PostgreSQL server; here they are files.
    external: [...WHOLE.external, "pg-hstore"],
    alias: { applicationinsights: "./packages/local-servers/noTelemetry.cjs" },
    logLevel: "error",
  });
  return outfile;
}
