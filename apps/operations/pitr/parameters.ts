import type { Ground } from "../ground/types";
import { POSTGRES_API } from "../server";

interface Parameter {
  name: string;
  value: string;
  /** Whether it waits for a restart. */
  waits: boolean;
  /** Whether somebody set it. */
  set: boolean;
}

async function parametersOf(ground: Ground, server: string): Promise<Parameter[]> {
  const found = await ground.resources.list(`${server}/configurations`, POSTGRES_API);
  return found.map(({ name = "", properties = {} }) => ({
    name,
    value: typeof properties["value"] === "string" ? properties["value"] : "",
    waits: properties["isConfigPendingRestart"] === true,
    set: properties["source"] === "user-override",
  }));
}

/** Parameters that somebody set on one server and that are otherwise on another. */
async function differing(ground: Ground, from: string, to: string): Promise<Parameter[]> {
  const wanted = (await parametersOf(ground, from)).filter(({ set }) => set);
  const now = new Map((await parametersOf(ground, to)).map(({ name, value }) => [name, value]));
  return wanted.filter(({ name, value }) => now.get(name) !== value);
}

/** Whether a server has what somebody set on another, and none of it waits for a restart. @param from,to ids of the servers */
export async function sameParameters(ground: Ground, from: string, to: string): Promise<true | string> {
  const other = await differing(ground, from, to);
  if (other.length > 0) return `${other.map(({ name }) => name).join(", ")} differ`;
  const waiting = (await parametersOf(ground, to)).filter(({ waits }) => waits);
  return waiting.length === 0 || `${waiting.map(({ name }) => name).join(", ")} wait for a restart`;
}

/** Gives a server what somebody set on another, and a restart where one waits for it. */
export async function giveParameters(
  ground: Ground,
  from: string,
  to: { id: string; resourceGroup: string; server: string },
  signal: AbortSignal,
): Promise<void> {
  for (const { name, value } of await differing(ground, from, to.id))
    await ground.resources.put(
      `${to.id}/configurations/${name}`,
      POSTGRES_API,
      { properties: { value, source: "user-override" } },
      signal,
    );
  if ((await parametersOf(ground, to.id)).some(({ waits }) => waits))
    await ground.servers.restart(to.resourceGroup, to.server, signal);
}
