import { failed, notRun } from "../frame/errors";
import type { Ground, SecretView } from "../ground/types";
import type { Platform } from "../platform";
import { workloadRoles } from "../roles";
import { containedBy } from "../switches/contained";
import { placesOf, type Place } from "../switches/places";
import type { Unit } from "./units";
import { keyOf, type Values } from "./vaultValues";
import { waitFor } from "../../../packages/programs/waiting";

/** Annotation of pods: the rotation of this unit that they were restarted for. */
const restartMark = ({ id }: Unit): string => `forma3d.com/rotated-${id}`;
/** The driver looks at the vault every two minutes. */
const SYNCED_SECONDS = 300;
const ROLLED_OUT_SECONDS = 900;

/** Waits until the clusters have the vaults' values for whatever runs with them. */
export async function handOut(
  platform: Platform,
  ground: Ground,
  unit: Unit,
  values: Values,
  signal: AbortSignal,
): Promise<void> {
  for (const { place, name } of await running(platform, ground, unit))
    await until(SYNCED_SECONDS, signal, () => synced(platform, place, name, unit, values));
}

/** Asks for all that the rotation of a unit will ask of the clusters, while nothing has been changed. */
export async function askReaders(platform: Platform, ground: Ground, unit: Unit): Promise<void> {
  for (const { place, name } of await running(platform, ground, unit)) {
    const secrets = place.deployments.find((one) => one.name === name)?.secrets ?? [];
    for (const secret of new Set(secrets.map(({ secret: of }) => of)))
      await place.cluster.secret(platform.namespace, secret);
  }
}

/** Restarts, one pod after the other, whatever runs with a value of the unit. */
export async function restartReaders(
  platform: Platform,
  ground: Ground,
  unit: Unit,
  mark: string,
  signal: AbortSignal,
): Promise<void> {
  const fenced = await fencedRegions(platform, ground);
  for (const { place, name, contained } of await running(platform, ground, unit)) {
    const shut = contained || fenced.includes(place.region.code);
    await place.cluster.restart(platform.namespace, name, { [restartMark(unit)]: mark });
    await until(ROLLED_OUT_SECONDS, signal, () => rolledOut(platform, place, name, unit, mark, shut));
  }
}

/** Whether all readers that run were restarted for a rotation; a text says which was not. */
export async function restartedFor(
  platform: Platform,
  ground: Ground,
  unit: Unit,
  mark: string,
): Promise<true | string> {
  const fenced = await fencedRegions(platform, ground);
  for (const { place, name, contained } of await running(platform, ground, unit)) {
    const shut = contained || fenced.includes(place.region.code);
    const state = await rolledOut(platform, place, name, unit, mark, shut);
    if (state !== true) return state;
  }
  return true;
}

/**
 * Deployments that run with a value of the unit, in every cluster.
 * @throws OperationError when one does not answer: its pods would keep what has ended, and nobody would know
 */
async function running(platform: Platform, ground: Ground, { entries }: Unit) {
  const readers = new Set<string>(entries.flatMap((entry) => entry.readers));
  const { places, silent, unheard } = await placesOf(platform, ground);
  if (silent.length > 0) throw notRun(silent.join("; "), new AggregateError(unheard));
  const contained = (await containedBy(platform, places)) !== undefined;
  return places.flatMap((place) =>
    place.deployments
      .filter(({ name, replicas }) => replicas > 0 && readers.has(name))
      .map(({ name }) => ({ place, name, contained })),
  );
}

/** Codes of regions none of whose roles may log in: one that was left in a failover and is back wants its pods all the same. */
async function fencedRegions(platform: Platform, ground: Ground): Promise<string[]> {
  const roles = await workloadRoles(platform, ground);
  return platform.regions
    .map(({ code }) => code)
    .filter((code) => roles.every(({ role, login }) => !role.endsWith(`_${code}`) || !login));
}

/** Whether the Secrets the deployment starts from hold the vault's values. */
async function synced(
  { namespace }: Platform,
  { cluster, region }: Place,
  name: string,
  { entries }: Unit,
  values: Values,
): Promise<true | string> {
  const deployment = (await cluster.deployments(namespace)).find((one) => one.name === name);
  for (const { secret, key } of deployment?.secrets ?? []) {
    const entry = entries.find(
      ({ variable, readers: by }) => variable === key && by.some((reader) => reader === name),
    );
    const wanted: SecretView | undefined = entry && values.get(keyOf(region, entry.name));
    if (wanted && (await cluster.secret(namespace, secret))?.[key] !== wanted.value)
      return `${region.cluster}: Secret ${secret} does not have the new ${entry?.name ?? key} yet`;
  }
  return true;
}

async function rolledOut(
  { namespace }: Platform,
  { cluster, region }: Place,
  name: string,
  unit: Unit,
  mark: string,
  shut: boolean,
): Promise<true | string> {
  const found = (await cluster.deployments(namespace)).find((one) => one.name === name);
  if (!found) return `${region.cluster} has no deployment ${name}`;
  if (found.podAnnotations[restartMark(unit)] !== mark) return `${name} was not restarted`;
  // No pod gets ready while its login is shut: it starts with the new value once it is let in again.
  if (shut) return true;
  return found.rolledOut || `${name}: ${found.ready} of ${found.replicas} pods are ready`;
}

/** Asks until it is so. @throws OperationError with what was not so at the end */
export async function until(
  seconds: number,
  signal: AbortSignal,
  ask: () => Promise<true | string>,
  everyMs = 250,
): Promise<void> {
  let state: true | string = "";
  const isSo = async (): Promise<boolean> => {
    state = await ask();
    if (state !== true) signal.throwIfAborted();
    return state === true;
  };
  if (!(await waitFor(isSo, seconds, everyMs))) throw failed(`after ${seconds} s: ${state}`);
}
