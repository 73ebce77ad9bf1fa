import { loginName } from "../../infra/data/databaseLogins";
import { REGIONS } from "../../infra/regions";
import { DATABASE_ROLES } from "../../infra/secrets/secretCatalogue";
import { formatPath, type Problem } from "../problems";
import { email } from "./common";
import type { StackConfig } from "./shape";

interface Claim {
  readonly path: (string | number)[];
  readonly found: string;
}

const TAKEN_LOGINS: ReadonlySet<string> = new Set([
  ...DATABASE_ROLES,
  ...DATABASE_ROLES.flatMap((role) => Object.values(REGIONS).map((region) => loginName(role, region))),
]);

/** Ids and logins that mean one thing each: a subscription is no group, an administrator no role of the application. */
export function identifierRules({ azure, cluster, controlPlane, database }: StackConfig): Problem[] {
  const { deployObjectId } = controlPlane;
  const places: readonly Claim[] = [
    { path: ["azure", "tenantId"], found: azure.tenantId },
    ...(deployObjectId ? [{ path: ["controlPlane", "deployObjectId"], found: deployObjectId }] : []),
    ...cluster.adminGroupObjectIds.map((found, index) => ({
      path: ["cluster", "adminGroupObjectIds", index],
      found,
    })),
    ...database.entraAdministrators.map(({ objectId }, index) => ({
      path: ["database", "entraAdministrators", index, "objectId"],
      found: objectId,
    })),
  ];
  const own = [
    ["azure.subscriptionId", azure.subscriptionId],
    ["azure.tenantId", azure.tenantId],
  ] as const;
  const misplaced = places.flatMap(({ path, found }): Problem[] => {
    const taken = own.find(([key, id]) => key !== path.join(".") && id.toLowerCase() === found.toLowerCase());
    return taken ? [{ path, found, allowed: `another id than ${taken[0]}` }] : [];
  });
  return [
    ...misplaced,
    ...kindRules({ cluster, controlPlane, database }),
    ...principalRules(database),
    ...loginRules(database),
  ];
}

/** What stands behind an id, where the file says so. */
interface Principal extends Claim {
  readonly kind: "group" | "identity" | "user";
}

const KINDS = { Group: "group", ServicePrincipal: "identity", User: "user" } as const;

/** One id is one kind of principal: a pipeline's identity is no group, and nobody is both. */
function kindRules({
  cluster,
  controlPlane: { deployObjectId },
  database,
}: Pick<StackConfig, "cluster" | "controlPlane" | "database">): Problem[] {
  const principals: Principal[] = [
    ...(deployObjectId
      ? [{ path: ["controlPlane", "deployObjectId"], found: deployObjectId, kind: "identity" as const }]
      : []),
    ...database.entraAdministrators.map(({ objectId, principalType }, index): Principal => ({
      path: ["database", "entraAdministrators", index, "objectId"],
      found: objectId,
      kind: KINDS[principalType],
    })),
    ...cluster.adminGroupObjectIds.map((found, index): Principal => ({
      path: ["cluster", "adminGroupObjectIds", index],
      found,
      kind: "group",
    })),
  ];
  return principals.flatMap(({ path, found, kind }, index): Problem[] => {
    const other = principals
      .slice(0, index)
      .find((earlier) => earlier.found.toLowerCase() === found.toLowerCase() && earlier.kind !== kind);
    return other
      ? [
          {
            path,
            found,
            allowed: `the id of a ${kind}: ${formatPath(other.path)} says that it is of another kind (${other.kind})`,
          },
        ]
      : [];
  });
}

/** A user is known to the database by the name the person signs in with. */
function principalRules({ entraAdministrators }: StackConfig["database"]): Problem[] {
  return entraAdministrators.flatMap(({ principalType, principalName }, index): Problem[] =>
    principalType === "User" && !email.safeParse(principalName).success
      ? [
          {
            path: ["database", "entraAdministrators", index, "principalName"],
            found: principalName,
            allowed: "the name a User signs in with, such as somebody@your.domain",
          },
        ]
      : [],
  );
}

/** Everybody who logs in has a name of their own. */
function loginRules(database: StackConfig["database"]): Problem[] {
  const logins: Claim[] = [
    { path: ["database", "administratorLogin"], found: database.administratorLogin },
    ...database.entraAdministrators.map(({ principalName }, index) => ({
      path: ["database", "entraAdministrators", index, "principalName"],
      found: principalName,
    })),
  ];
  return logins.flatMap(({ path, found }, index): Problem[] => {
    if (TAKEN_LOGINS.has(found.toLowerCase()))
      return [{ path, found, allowed: "a name other than the application's own roles and logins" }];
    const earlier = logins.slice(0, index).find((login) => login.found.toLowerCase() === found.toLowerCase());
    return earlier ? [{ path, found, allowed: `another name than ${earlier.path.join(".")}` }] : [];
  });
}

/** Programs known by the names of their images, and the keys that run them. */
const PROGRAMS: readonly (readonly [word: RegExp, key: string])[] = [
  [/^envoy/, "gateway.image"],
  [/^postgres[-_]exporter/, "monitoring.postgresExporterImage"],
  [/^blackbox/, "monitoring.blackboxExporterImage"],
  [/^statping/, "statusPage.statpingImage"],
  [/^gatus/, "statusPage.gatusImage"],
  [/^nginx/, "statusPage.frontImage"],
];
/** What others build on, and what runs nothing of this platform. */
const BASES = /^docker\.io\/library\//;

const parts = (image: string) => /^(?<repository>.*?)(?::[^/@]*)?@(?<digest>.*)$/.exec(image)?.groups ?? {};

/** No image is one pasted in the place of another: by its digest, its repository, or the program its name tells. */
export function imageRules({
  workloads,
  gateway,
  recovery,
  readiness,
  monitoring,
  statusPage,
  controlPlane: { runners },
}: StackConfig): Problem[] {
  const images: Claim[] = [
    { path: ["workloads", "api", "image"], found: workloads.api.image },
    { path: ["workloads", "dashboard", "image"], found: workloads.dashboard.image },
    { path: ["gateway", "image"], found: gateway.image },
    { path: ["recovery", "image"], found: recovery.image },
    { path: ["readiness", "image"], found: readiness.image },
    { path: ["monitoring", "postgresExporterImage"], found: monitoring.postgresExporterImage },
    { path: ["monitoring", "blackboxExporterImage"], found: monitoring.blackboxExporterImage },
    { path: ["statusPage", "statpingImage"], found: statusPage.statpingImage },
    { path: ["statusPage", "gatusImage"], found: statusPage.gatusImage },
    { path: ["statusPage", "frontImage"], found: statusPage.frontImage },
    ...(runners?.jobs
      ? [{ path: ["controlPlane", "runners", "jobs", "image"], found: runners.jobs.image }]
      : []),
  ];
  return images.flatMap(({ path, found }, index): Problem[] => {
    const { repository = "", digest } = parts(found);
    const key = path.join(".");
    const [, of] = PROGRAMS.find(([word]) => word.test(repository.split("/").at(-1) ?? "")) ?? [];
    if (of !== undefined && of !== key)
      return [{ path, found, allowed: `an image of its own program: by its name this one is for ${of}` }];
    if (BASES.test(repository) && of === undefined)
      return [
        { path, found, allowed: "an image of its own program: this one is made for others to build on" },
      ];
    const earlier = images.slice(0, index).find((image) => {
      const other = parts(image.found);
      return other["digest"] === digest || other["repository"] === repository;
    });
    return earlier ? [{ path, found, allowed: `another image than ${earlier.path.join(".")}` }] : [];
  });
}
