import { messageOf, notRun } from "../frame/errors";
import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import { primary } from "../pitr/assess";
import type { Platform } from "../platform";

const BAD_PASSWORD = "28P01";

/** Whether the administrator's password in use is taken. @throws OperationError when nobody says so */
async function taken({ writerHost }: Platform, ground: Ground): Promise<boolean> {
  try {
    await ground.database.query(writerHost, "SELECT 1");
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === BAD_PASSWORD) return false;
    throw notRun(`${writerHost} cannot be asked: ${messageOf(error)}`, error);
  }
}

/**
 * Signs in as the administrator. The password may be the one that an interrupted run replaced, and then the vaults have the other.
 * @returns false where neither is taken: the run was interrupted between the vaults and the server, and what the vaults hold,
 * which is the password in use from now on, is still to be set
 * @throws OperationError where the server cannot be asked, or the vaults hold none
 */
export async function signIn(platform: Platform, ground: Ground): Promise<boolean> {
  if (await taken(platform, ground)) return true;
  let held: string | undefined;
  for (const { vault } of [...platform.regions].reverse()) {
    const kept = await ground.vaults.read(vault, "database-admin-password");
    if (!kept) continue;
    ground.database.useAdministrator((held = kept.value));
    if (await taken(platform, ground)) return true;
  }
  if (held === undefined)
    throw notRun("the administrator cannot sign in with DATABASE_URL, and the vaults hold nothing else");
  return false;
}

/** Sets at the server the administrator's password in use. */
export function setAdministrator(platform: Platform, ground: Ground): Step {
  return {
    id: "administrator",
    title:
      "the server gets the administrator's password that the vaults hold: a run was interrupted before it did",
    bound: 600,
    done: async () => (await taken(platform, ground)) || "the server does not take it yet",
    run: async (signal) => {
      const { resourceGroup, server } = await primary(platform, ground);
      await ground.servers.setPassword(resourceGroup, server, ground.database.password(), signal);
    },
  };
}
