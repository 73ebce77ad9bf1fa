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
function named(config: Sections): (Stated & { readonly says: string })[] {
  const { edge, database, recovery, alerts, tags, nameSuffix, lastingNameSuffix } = config;
  const whole = (path: (string | number)[], found: string) => ({ path, found, says: found });
  return [
    ...Object.entries({ nameSuffix, lastingNameSuffix }).flatMap(([key, found]) =>
      found === undefined ? [] : [whole([key], found)],
    ),
    ...(tags ? [whole(["tags", "costCenter"], tags.costCenter)] : []),
    ...Object.entries(alerts?.slackChannels ?? {}).map(([key, found]) =>
      whole(["alerts", "slackChannels", key], found),
    ),
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
          whole(["database", "administratorLogin"], database.administratorLogin),
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

/** A principal has one name: under another it is somebody else, or one of the two would not be let in. */
function renamed({ database }: Sections, other: Sections): Problem[] {
  return (database?.entraAdministrators ?? []).flatMap(({ objectId, principalName }, index): Problem[] => {
    const same = other.database?.entraAdministrators.find(
      (theirs) => theirs.objectId.toLowerCase() === objectId.toLowerCase(),
    );
    return same && same.principalName !== principalName
      ? [
          {
            path: ["database", "entraAdministrators", index, "objectId"],
            found: objectId,
            allowed: `the id of ${principalName}: this is ${same.principalName}`,
          },
        ]
      : [];
  });
}

/**
 * What a file states as its own, or sends something to, and is another environment's: its hosts, its subscription, its
 * name. One pasted line, and production's database is administered by those who test.
 */
export function borrowed(config: Sections, other: Sections): Problem[] {
  const hosts = other.edge ? [other.edge.apiHostName, other.edge.dashboardHostName] : [];
  const subscription = other.azure?.subscriptionId.toLowerCase();
  const isCalled = (text: string): boolean =>
    [other.environment, other.shortName].some((name) => names(text, name)) &&
    ![config.environment, config.shortName].some((name) => names(text, name));
  const of = `of ${other.environment ?? "another environment"}`;
  return [
    ...reached(config)
      .filter(({ found }) => hosts.includes(hostOf(found)) || isCalled(hostOf(found)))
      .map(({ path, found }) => ({ path: [...path], found, allowed: `no host ${of}` })),
    ...ids(config)
      .filter(({ found }) => found.toLowerCase() === subscription)
      .map(({ path, found }) => ({
        path: [...path],
        found,
        allowed: `an id that is not the subscription ${of}`,
      })),
    ...named(config)
      .filter(({ says }) => isCalled(says))
      .map(({ path, found }) => ({ path: [...path], found, allowed: `a name that is not one ${of}` })),
    ...renamed(config, other).map((problem) => ({ ...problem, allowed: `${problem.allowed} ${of}` })),
  ];
}
