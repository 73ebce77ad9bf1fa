import { MONITORED_SERVICES } from "../../../packages/alerting/services";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";

/** What the API says of a partner, which it reaches with the very credentials: true, or what it says instead. */
export async function partnerState(
  { hosts }: Platform,
  ground: Ground,
  partner: string,
): Promise<true | string> {
  const service = MONITORED_SERVICES.find(({ job }) => job === `${partner}-integration`);
  const check = service?.check;
  if (check?.type !== "http" || !check.expect) return `the API says nothing of ${partner}`;
  const document = await ground.document(
    `${hosts.api.includes("://") ? "" : "https://"}${hosts.api}${check.path}`,
  );
  const found = check.expect.path
    .split(".")
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
  if (found === undefined) return `the API says nothing of ${partner}`;
  return found === check.expect.equals || `the API says ${partner} is ${JSON.stringify(found)}`;
}
