import { ServiceError } from "./errors";
import type { Home } from "./home";
import { Instance } from "./instance";
import { DatabaseServer } from "./server";
import { waitFor } from "../../programs/waiting";

const RECOVERY_SECONDS = 120;

export interface RestoreRequest {
  name: string;
  region: string;
  /** The moment to bring back; default: the last there is. */
  moment?: Date;
}

/**
 * A new server from the backups of another: base backup, then the archived log up to the moment.
 * @throws ServiceError `PointInTimeNotAvailable` for a moment before the first backup or after the last log
 */
export async function restore(
  home: Home,
  source: DatabaseServer,
  { name, region, moment }: RestoreRequest,
): Promise<DatabaseServer> {
  await source.settled();
  const unavailable = (why: string) =>
    new ServiceError("PointInTimeNotAvailable", `${source.name} cannot be restored: ${why}`);
  if (moment && Number.isNaN(moment.getTime())) throw unavailable("the moment is no time");
  const backup = source.archive.before(moment);
  if (!backup) {
    const earliest = source.archive.backups[0]?.completed.toISOString();
    throw unavailable(earliest ? `the earliest moment is ${earliest}` : "it has no backup yet");
  }
  if (moment && moment > (await source.now())) throw unavailable("the moment is in the future");
  if (!source.lost && source.state === "Ready") await source.archive.complete(source.instance);
  const instance = Instance.fromBackup(home, name, backup.folder);
  instance.configure(source.archive.recovery(moment));
  instance.startsAs("recovering");
  try {
    await instance.start();
    await opened(instance);
  } catch (error) {
    await instance.delete();
    throw unavailable(error instanceof Error ? error.message : String(error));
  }
  instance.startsAs("primary");
  const server = await DatabaseServer.around(
    home,
    { name, region, administrator: source.administrator },
    instance,
  );
  await server.open();
  server.inBackground(() => server.archive.backUp(instance));
  return server;
}

async function opened(instance: Instance): Promise<void> {
  const isOpen = async () => {
    const [row] = await instance.query<{ recovering: boolean }>("SELECT pg_is_in_recovery() AS recovering");
    return row?.recovering === false;
  };
  if (!(await waitFor(isOpen, RECOVERY_SECONDS)))
    throw new Error(`the log was not replayed within ${RECOVERY_SECONDS} s`);
}
