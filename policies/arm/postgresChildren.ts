import { azure, CONFIGURATION, SERVER, VIRTUAL_ENDPOINT } from "../../packages/isolation/kinds";
import {
  fault,
  isText,
  must,
  mustBe,
  mustBeText,
  mustExist,
  type Cursor,
} from "../../packages/isolation/read";
import type { ArmLimit } from "./limit";

const DOCS = "https://learn.microsoft.com/azure/postgresql";

function parameterName(configuration: Cursor): string {
  const name = configuration.at("configurationName").text ?? configuration.at("name").text ?? "";
  return name.toLowerCase();
}

const parameter: ArmLimit = {
  id: "ARM-012",
  name: "postgres-parameter-source",
  title: "A server parameter is sent with its value and its source",
  description: "A Configuration has a value and source user-override.",
  why: "Azure rejects a parameter without its source, or takes it for a reset to the default.",
  remediation: 'Set source to "user-override" beside value.',
  url: `${DOCS}/server-parameters/concepts-server-parameters`,
  risks: ["R09"],
  types: [CONFIGURATION],
  check: (configuration) => [
    ...must(configuration.at("value"), (value) => typeof value === "string", "be a string"),
    ...mustBe(configuration.at("source"), "user-override"),
  ],
};

const pooler: ArmLimit = {
  id: "ARM-013",
  name: "postgres-pgbouncer-tier",
  title: "PgBouncer needs the General Purpose or Memory Optimized tier",
  description: "No pgbouncer.* parameter is set on a Burstable server.",
  why: "The parameters do not exist there; Azure rejects them, and port 6432 stays closed.",
  remediation: "Choose another tier, or connect to port 5432 and leave the pooler's parameters out.",
  url: `${DOCS}/connectivity/concepts-pgbouncer`,
  risks: ["R01"],
  types: [CONFIGURATION],
  relations: [{ as: "server", property: "serverName", types: [SERVER] }],
  check: (configuration, { related: { server } }) =>
    /^(pgbouncer\.|metrics\.pgbouncer)/.test(parameterName(configuration)) &&
    server &&
    isText("Burstable")(server.at("sku", "tier").value)
      ? fault(
          configuration.at("serverName"),
          `must not be a Burstable server for ${parameterName(configuration)}`,
        )
      : [],
};

const endpoint: ArmLimit = {
  id: "ARM-014",
  name: "postgres-virtual-endpoint",
  title: "A virtual endpoint is read-write and lists servers by name",
  description: "endpointType is ReadWrite and members are names of servers, not ARM ids.",
  why: "Azure rejects anything else.",
  remediation: 'Use endpointType "ReadWrite" and the name of the replica (or of the server itself).',
  url: `${DOCS}/read-replica/concepts-read-replicas-virtual-endpoints`,
  risks: ["R01"],
  types: [VIRTUAL_ENDPOINT],
  check: (virtual) => [
    ...mustBeText(virtual.at("endpointType"), "ReadWrite"),
    ...mustExist(virtual.at("members"), "name a server"),
    ...virtual
      .at("members")
      .items()
      .flatMap((member) =>
        member.unknown
          ? []
          : must(
              member,
              (value) => typeof value === "string" && /^[a-z0-9]+(-[a-z0-9]+)*$/i.test(value),
              "be the name of a server",
            ),
      ),
  ],
};

const stableApi: ArmLimit = {
  id: "ARM-015",
  name: "postgres-stable-api",
  title: "Administrators and backups use the generally available classes",
  description: "Neither dbforpostgresql.Administrator nor dbforpostgresql.Backup is used.",
  why: "They call a preview version of the API, which Azure may end without notice.",
  remediation: "Use AdministratorsMicrosoftEntra and BackupsAutomaticAndOnDemand.",
  url: "https://www.pulumi.com/registry/packages/azure-native/api-docs/dbforpostgresql/",
  risks: ["R09"],
  severity: "medium",
  types: [azure("dbforpostgresql", "Administrator", "Backup")],
  check: (resource) => fault(resource, "must be the class of the generally available API, not of a preview"),
};

export const POSTGRES_CHILD_LIMITS: readonly ArmLimit[] = [parameter, pooler, endpoint, stableApi];
