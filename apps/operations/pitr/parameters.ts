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

/** Of a server's parameters: those that are otherwise than somebody set them on another, and those that wait for a restart. */
async function compared(ground: Ground, from: string, to: string) {
  const wanted = (await parametersOf(ground, from)).filter(({ set }) => set);
  const there = await parametersOf(ground, to);
  const now = new Map(there.map(({ name, value }) => [name, value]));
  return {
    other: wanted.filter(({ name, value }) => now.get(name) !== value),
    waiting: there.filter(({ waits }) => waits),
  };
}

const listed = (parameters: readonly Parameter[]): string => parameters.map(({ name }) => name).join(", ");

/** Whether a server has what somebody set on another, and none of it waits for a restart. @param from,to ids of the servers */
export async function sameParameters(ground: Ground, from: string, to: string): Promise<true | string> {
  const { other, waiting } = await compared(ground, from, to);
  if (other.length > 0) return `${listed(other)} differ`;
  return waiting.length === 0 || `${listed(waiting)} wait for a restart`;
}

/** Gives a server what somebody set on another, and a restart where one waits for it. */
export async function giveParameters(
  ground: Ground,
  from: string,
  to: { id: string; resourceGroup: string; server: string },
  signal: AbortSignal,
): Promise<void> {
  const { other } = await compared(ground, from, to.id);
  for (const { name, value } of other)
    await ground.resources.put(
      `${to.id}/configurations/${name}`,
      POSTGRES_API,
      { properties: { value, source: "user-override" } },
      signal,
    );
  if ((await parametersOf(ground, to.id)).some(({ waits }) => waits))
    await ground.servers.restart(to.resourceGroup, to.server, signal);
}
