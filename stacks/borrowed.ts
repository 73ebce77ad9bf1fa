import type { Problem } from "./problems";
import type { StackConfig } from "./schema";

type Sections = Partial<StackConfig>;

/** A value as a file states it. */
interface Stated {
  readonly path: readonly (string | number)[];
  readonly found: string;
}

const hostOf = (address: string): string => (URL.canParse(address) ? new URL(address).hostname : address);

/** Where an environment reaches out, or is read from outside. */
function reached({ gateway, recovery, alerts }: Sections): Stated[] {
  return [
    ...(gateway?.errorReports ? [{ path: ["gateway", "errorReports"], found: gateway.errorReports }] : []),
    ...(recovery?.s3?.endpoint
      ? [{ path: ["recovery", "s3", "endpoint"], found: recovery.s3.endpoint }]
      : []),
    ...(alerts ? [{ path: ["alerts", "runbookBaseUrl"], found: alerts.runbookBaseUrl }] : []),
  ];
}

/** Ids of people, groups and the directory. */
function ids({ azure, cluster, database }: Sections): Stated[] {
  return [
    ...(azure ? [{ path: ["azure", "tenantId"], found: azure.tenantId }] : []),
    ...(cluster?.adminGroupObjectIds ?? []).map((found, index) => ({
      path: ["cluster", "adminGroupObjectIds", index],
      found,
    })),
    ...(database?.entraAdministrators ?? []).map(({ objectId }, index) => ({
      path: ["database", "entraAdministrators", index, "objectId"],
      found: objectId,
    })),
  ];
}

/** Names people choose, each with the part of it that may say which environment it is of. */
function named({ edge, database, recovery }: Sections): (Stated & { readonly says: string })[] {
  const whole = (path: (string | number)[], found: string) => ({ path, found, says: found });
  return [
    ...(edge
      ? (["apiHostName", "dashboardHostName"] as const).map((key) => ({
          path: ["edge", key],
          found: edge[key],
          // A domain is bought at a registry, whatever it is called.
          says: edge[key].split(".").slice(0, -2).join("."),
        }))
      : []),
    ...(database
      ? [
          whole(["database", "applicationDatabase"], database.applicationDatabase),
          ...database.entraAdministrators.map(({ principalName }, index) => ({
            path: ["database", "entraAdministrators", index, "principalName"],
            found: principalName,
            says: principalName.split("@")[0] ?? "",
          })),
        ]
      : []),
    ...(recovery?.s3 ? [whole(["recovery", "s3", "bucket"], recovery.s3.bucket)] : []),
  ];
}

const words = (text: string): string =>
  `-${text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .join("-")}-`;

/** Whether a text has the name of an environment among its words. */
const names = (text: string, environment: string | undefined): boolean =>
  environment !== undefined && words(text).includes(words(environment));

/**
 * What a file states as its own, or sends something to, and is another environment's: its hosts, its subscription, its
 * name. One pasted line, and production's database is administered by those who test.
 */
export function borrowed(config: Sections, other: Sections): Problem[] {
  const hosts = other.edge ? [other.edge.apiHostName, other.edge.dashboardHostName] : [];
  const subscription = other.azure?.subscriptionId.toLowerCase();
  const of = `of ${other.environment ?? "another environment"}`;
  return [
    ...reached(config)
      .filter(({ found }) => hosts.includes(hostOf(found)))
      .map(({ path, found }) => ({ path: [...path], found, allowed: `no host ${of}` })),
    ...ids(config)
      .filter(({ found }) => found.toLowerCase() === subscription)
      .map(({ path, found }) => ({
        path: [...path],
        found,
        allowed: `an id that is not the subscription ${of}`,
      })),
    ...named(config)
      .filter(({ says }) => names(says, other.environment) && !names(says, config.environment))
      .map(({ path, found }) => ({ path: [...path], found, allowed: `a name that is not one ${of}` })),
  ];
}
