import { NotRunError } from "../../../packages/command/errors";
import type { Finding } from "../ladder";
import { childEnvironment, complaint, startProgram } from "../process";
import { programEnvironment, type ServerConnection } from "./connection";
import type { Program } from "../../../packages/programs/postgres";

const CORRUPTION_FOUND = 2;

/** Checks heaps and indexes of a restored database, every heap row against its indexes. */
export async function amcheck(
  program: Program,
  server: ServerConnection,
  jobs: number,
  signal: AbortSignal,
): Promise<Finding> {
  const running = startProgram(
    program.path,
    ["--install-missing", "--heapallindexed", "--no-password", "-j", String(jobs), "-d", server.database],
    { signal, stdio: ["ignore", "pipe", "pipe"], env: childEnvironment(programEnvironment(server)) },
  );
  let report = "";
  running.child.stdout
    ?.setEncoding("utf8")
    .on("data", (text: string) => (report = (report + text).slice(0, 4096)));
  const { code, error } = await running.ended;
  signal.throwIfAborted();
  const expected = "no damage found";
  if (code === 0) return { match: true, expected, actual: expected };
  if (code === CORRUPTION_FOUND)
    return { match: false, expected, actual: report.trim().split("\n").slice(0, 4).join("; ") };
  throw new NotRunError(`pg_amcheck: ${error?.message ?? complaint(running.stderr())}`);
}
