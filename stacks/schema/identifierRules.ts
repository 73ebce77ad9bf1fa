import { loginName } from "../../infra/data/databaseLogins";
import { REGIONS } from "../../infra/regions";
import { DATABASE_ROLES } from "../../infra/secrets/secretCatalogue";
import { formatPath, type Problem } from "../problems";
import { email, PRODUCT } from "./common";
import type { StackConfig } from "./shape";

interface Claim {
  readonly path: (string | number)[];
  readonly found: string;
}

/** The role that says whose a server is, which nobody logs in as (apps/recovery/guard). */
const MARKER = `${PRODUCT}_environment`;

const TAKEN_LOGINS: ReadonlySet<string> = new Set([
  MARKER,
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
    ...appRules(controlPlane),
  ];
}

/** The app and its installation are counted apart: one number in both places was pasted twice. */
function appRules({ runners }: StackConfig["controlPlane"]): Problem[] {
  const app = runners?.jobs?.app;
  return app && app.id === app.installationId
    ? [
        {
          path: ["controlPlane", "runners", "jobs", "app", "installationId"],
          found: app.installationId,
          allowed: "another number than that of the app: the end of the installation's address",
        },
      ]
    : [];
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
