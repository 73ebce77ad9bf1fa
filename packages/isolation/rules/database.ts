import type { Context, ResourceView, StackView, Violation } from "../rule";
import { UNKNOWN } from "../rule";
import { watchOf } from "../context";
import { resourceRule, stackRule } from "./metadata";

/** Ways to make a server out of another one (`createMode` of a flexible server). */
const COPIES = /^(?:replica|pointintimerestore|georestore|revivedropped|update)$/i;
const FULL_ID = /^\/subscriptions\/[0-9a-f-]{36}\/resourcegroups\/[^/]+\/providers\/microsoft\.[^/]+\/./i;

/** Properties that say where a database, disk or account is copied from. */
const SOURCES = ["sourceServerResourceId", "sourceServerId", "sourceDatabaseId", "sourceResourceId"] as const;

const DATABASE_TYPES =
  /^azure(?:-native)?[^:]*:(?:dbforpostgresql|dbformysql|dbformariadb|sql|documentdb|postgresql)[^:]*:/;

function sourceViolations(resource: ResourceView, context: Context): Violation[] {
  const { props } = resource;
  const mode = props.createMode;
  const isCopy = typeof mode === "string" && COPIES.test(mode);
  return SOURCES.flatMap((key): Violation[] => {
    const source = props[key];
    if (source === undefined || source === null) return [];
    if (source === UNKNOWN) {
      if (!context.isDryRun) {
        return [
          {
            path: key,
            message: "is still unknown during the update, so where the copy comes from cannot be judged",
          },
        ];
      }
      // A source in this stack is unknown too before it exists; the stack rule tells the two apart.
      return watchOf(context).declaresServer
        ? []
        : [
            {
              path: key,
              message: "is not known before the update and will be judged then",
              level: "advisory",
            },
          ];
    }
    if (isCopy && (typeof source !== "string" || !FULL_ID.test(source.trim()))) {
      return [
        { path: key, message: "must be the full Azure id of a server of this stack's own subscription" },
      ];
    }
    return [];
  });
}

/** A copy of a server is a copy of its data. */
export const copySourceRule = resourceRule({
  id: "ISO-020",
  name: "database-copy-source",
  title: "Replicas and restores come from the stack's own server",
  description:
    "Where `createMode` makes a server out of another one, the source is a full resource id whose subscription ISO-001 can judge; a source that is still unknown during an update is refused.",
  why: "A replica or restore of the production server is the production data, whatever the new server is called.",
  remediation: "Restore inside the environment; data for tests comes from the generator.",
  url: "https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-backup-restore",
  appliesTo: "nonProd",
  types: [DATABASE_TYPES],
  check: sourceViolations,
});

function unknownSources(stack: StackView): Violation[] {
  return (
    stack.resources
      // What Azure reports about a server that is no copy is unknown before it exists, and no source.
      .filter(
        ({ type, props }) =>
          DATABASE_TYPES.test(type) &&
          COPIES.test(typeof props.createMode === "string" ? props.createMode : ""),
      )
      .flatMap((resource) =>
        SOURCES.filter((key) => resource.props[key] === UNKNOWN).flatMap((key): Violation[] => {
          const origins = (resource.propertyDependencies[key] ?? []).map((urn) => stack.byUrn.get(urn));
          const fromServer = origins.some(
            (origin) => origin !== undefined && DATABASE_TYPES.test(origin.type),
          );
          return fromServer
            ? []
            : [
                {
                  urn: resource.urn,
                  path: key,
                  message: "depends on no server of this stack, so the copy would come from outside it",
                },
              ];
        }),
      )
  );
}

/** An unknown source is fine when it comes from a server of this stack, and from nowhere else. */
export const copyOriginRule = stackRule({
  id: "ISO-021",
  name: "database-copy-origin",
  title: "An unknown source is a server of this stack",
  description:
    "A copy's source that is not known yet depends on a database server the stack itself declares.",
  why: "Values read from outside the stack or computed by commands would be judged only when it is too late.",
  remediation: "Pass the `id` output of the server in this stack.",
  url: "https://www.pulumi.com/docs/iac/concepts/inputs-outputs/",
  appliesTo: "nonProd",
  check: unknownSources,
});
