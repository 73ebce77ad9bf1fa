import { setTimeout as sleep } from "node:timers/promises";
import { BACKUP_RETRIES } from "../../../../infra/recovery/recoveryJobs";
import { ExitCode } from "../../../../packages/command/errors";
import type { Ran } from "..";
import { runScheduled } from "../runner";
import { holds, regionOf, type Model, type World } from "./model";
import { Step } from "./operations";

/** Between two tries of a job, where a cluster waits longer. */
const AGAIN_MS = 2_000;

/** A scheduled job of the region that serves, tried as often as its cluster tries it. */
async function job(
  model: Readonly<Model>,
  world: World,
  name: string,
  typed?: readonly string[],
): Promise<Ran> {
  for (let tries = 0; ; tries++) {
    const ran = await runScheduled(world.laptop, regionOf(world, model.serving), name, typed);
    if (ran.code === ExitCode.ok || ran.code === ExitCode.usage || tries === BACKUP_RETRIES) return ran;
    await sleep(AGAIN_MS);
  }
}

const lastLine = ({ said }: Ran): string => said.trim().split("\n").at(-1) ?? "";

/** The hourly backup of the region that serves, by its own job. */
export class MakeBackup extends Step {
  possible({ lost }: Readonly<Model>): boolean {
    return lost === undefined;
  }
  async act(model: Model, world: World): Promise<void> {
    await world.laptop.served.real?.databases.settled();
    const ran = await job(model, world, "recovery-hourly");
    holds(
      ran.code === ExitCode.ok,
      `the hourly backup ended with ${ran.code ?? "a signal"}: ${lastLine(ran)}`,
    );
    for (const { id } of JSON.parse(ran.printed) as { id: string }[]) world.backups.add(id);
  }
  override toString(): string {
    return "a backup is made";
  }
}

interface Listed {
  id: string;
  targets: { name: string; damaged: boolean; verification?: { verdict: string } }[];
}

/**
 * Every backup that was made is listed, in every account, and what is listed verifies: restored and compared by the job that proves
 * them. To be asked while both regions stand.
 */
export async function backupsVerify(model: Readonly<Model>, world: World): Promise<void> {
  if (world.backups.size === 0) return;
  const proved = await job(model, world, "recovery-verify");
  holds(proved.code === ExitCode.ok, `a backup does not verify: ${lastLine(proved)}`);
  const ran = await job(model, world, "recovery-verify", ["list", "--json"]);
  holds(ran.code === ExitCode.ok, `backups cannot be listed: ${lastLine(ran)}`);
  const listed = JSON.parse(ran.printed) as Listed[];
  const known = new Set(listed.map(({ id }) => id));
  const gone = [...world.backups].filter((id) => !known.has(id));
  holds(gone.length === 0, `backups that were made are not listed: ${gone.join(", ")}`);
  const accounts = world.laptop.platform.backupAccounts.length;
  for (const { id, targets } of listed) {
    const good = targets.filter(({ damaged, verification }) => !damaged && verification?.verdict === "PASS");
    holds(good.length === accounts, `${id} verifies in ${good.length} of ${accounts} accounts`);
  }
}
