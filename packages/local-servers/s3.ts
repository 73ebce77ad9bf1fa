import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { onPath } from "./onPath";
import { freePort, loopback } from "./ports";
import { startSupervised, temporaryDirectory, whenReady } from "./supervised";

export interface LocalS3 {
  /** `http://127.0.0.1:<port>`, buckets in the path. */
  endpoint: string;
  region: string;
  /** Drawn anew for every start. */
  credentials: { accessKeyId: string; secretAccessKey: string };
  port: number;
  pid: number;
  /** Makes a bucket that keeps versions and can lock objects. */
  createBucket(name: string): Promise<void>;
  /** Ends the server and deletes everything stored in it; safe to call twice. */
  stop(): Promise<void>;
}

/** How a fresh machine gets the server. */
const INSTALL_S3 = "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0";

const REGION = "eu-central-1";
const ATTEMPTS = 3;

function program(): string {
  const found = onPath("versitygw", [path.join(os.homedir(), "go", "bin")]);
  if (!found) throw new Error(`versitygw is not installed: ${INSTALL_S3}`);
  return found;
}

/**
 * Starts an S3 server on a free loopback port, with its data in a temporary folder: Versity's gateway over files, which
 * knows conditional writes, versions and object locks.
 */
export async function startS3(): Promise<LocalS3> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      // Somebody else took the port in between.
      if (attempt === ATTEMPTS || !/address already in use/.test(String(error))) throw error;
    }
  }
}

async function start(): Promise<LocalS3> {
  const file = program();
  const credentials = { accessKeyId: "backups", secretAccessKey: randomBytes(24).toString("hex") };
  const directory = temporaryDirectory("s3");
  for (const folder of ["objects", "versions"]) fs.mkdirSync(path.join(directory, folder));
  const port = await freePort();
  const server = await startSupervised({
    directory,
    stopSignal: "KILL",
    environment: {
      PATH: process.env.PATH,
      ROOT_ACCESS_KEY: credentials.accessKeyId,
      ROOT_SECRET_KEY: credentials.secretAccessKey,
    },
    command: [
      file,
      "--port",
      `${loopback}:${port}`,
      "--region",
      REGION,
      "--quiet",
      "posix",
      "--versioning-dir",
      path.join(directory, "versions"),
      path.join(directory, "objects"),
    ],
  });
  const endpoint = `http://${loopback}:${port}`;
  try {
    // It refuses who does not sign, and that is an answer.
    await whenReady("versitygw", server, 30, () => fetch(endpoint).catch(() => undefined));
  } catch (error) {
    await server.stop();
    throw error;
  }
  const client = new S3Client({ endpoint, region: REGION, credentials, forcePathStyle: true });
  return {
    endpoint,
    region: REGION,
    credentials,
    port,
    pid: server.pid,
    async createBucket(name) {
      await client.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: true }));
    },
    stop: server.stop,
  };
}
