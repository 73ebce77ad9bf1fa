import { guid } from "../model/cloud";
import { FACTS } from "../model/azure/arm";
import type { Stored } from "../model/types";
import type { ArmRequest } from "./context";
import { ArmError } from "./errors";

/** What the ETag of a type is called in its JSON; undefined where the vendors describe none. */
export function etagName(type: string): string | undefined {
  const outputs = FACTS.resources[type]?.outputs ?? {};
  return ["etag", "eTag"].find((name) => name in outputs);
}

/** Another one after every change of the resource. */
export function etagOf({ id, outputs }: Stored): string {
  return `W/"${guid("etag", id.toLowerCase(), JSON.stringify(outputs))}"`;
}

/**
 * Refuses a change whose `If-Match` or `If-None-Match` is not met, where the clients' descriptions say the request heeds
 * them (https://github.com/microsoft/api-guidelines/blob/vNext/azure/Guidelines.md, conditional requests).
 * @param before What is there; undefined when nothing is.
 * @throws ArmError 412
 */
export function requireConditions(
  { route, conditions }: Pick<ArmRequest, "route" | "conditions">,
  before: Stored | undefined,
): void {
  const takes = route.operation?.takes ?? [];
  const { ifMatch, ifNoneMatch } = conditions;
  const matches = (wanted: string): boolean =>
    before !== undefined &&
    (wanted.trim() === "*" || wanted.split(",").some((one) => one.trim() === etagOf(before)));
  if (takes.includes("If-Match") && ifMatch !== undefined && !matches(ifMatch))
    throw unmet(`The ETag given in If-Match, ${ifMatch}, is not that of ${route.target}.`);
  if (takes.includes("If-None-Match") && ifNoneMatch !== undefined && matches(ifNoneMatch))
    throw unmet(`${route.target} exists, and If-None-Match forbids that.`);
}

const unmet = (message: string): ArmError => new ArmError(412, "PreconditionFailed", message);
