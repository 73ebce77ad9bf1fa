import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { findProgram } from "../../../../packages/programs/postgres";
import { stopwatch } from "../../../../packages/programs/waiting";
import { measure } from "../measure";
import type { Ground } from "./ground";

const MIB = 1024 * 1024;

/**
 * `pg_dump | gzip`, streamed to the same blob server with the client's own upload. Without owners and grants: on a server
 * where nobody is superuser a script with them stops at the first `ALTER … OWNER TO`.
 */
export async function usualBackup(
  { server, blobs }: Ground,
  database: string,
  name: string,
): Promise<{ seconds: number; bytes: number }> {
  const taken = stopwatch();
  const dump = spawn(
    "/bin/sh",
    [
      ...["-c", `"$0" --no-owner --no-privileges "$1" | gzip`],
      ...[findProgram("pg_dump").path, server.url("backup", database)],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const blob = blobs.getBlockBlobClient(name);
  await blob.uploadStream(dump.stdout, 8 * MIB, 5);
  const seconds = taken();
  return { seconds, bytes: (await blob.getProperties()).contentLength ?? 0 };
}

/** Fetches the dump, makes a database and runs `gunzip | psql` in it, as the administrator; nothing is checked. */
export async function usualRestore(ground: Ground, name: string, database: string): Promise<number> {
  const { server, blobs, directory, env } = ground;
  const archive = path.join(directory, "usual.sql.gz");
  const taken = stopwatch();
  const { readableStreamBody } = await blobs.getBlobClient(name).download();
  if (readableStreamBody) await pipeline(readableStreamBody, createWriteStream(archive));
  await server.createDatabase(database);
  const command = `gunzip -c "$1" | "$0" -q -v ON_ERROR_STOP=1 "$2" >/dev/null`;
  const url = server.url(server.administrator, database);
  await measure("/bin/sh", ["-c", command, findProgram("psql").path, archive, url], env);
  const seconds = taken();
  await ground.drop(database);
  return seconds;
}
