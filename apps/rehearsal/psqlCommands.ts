import type { EmulatedCloud } from "../../packages/emulated-azure/cloud";
import { stringAt } from "../../packages/emulated-azure/model/paths";
import type { Real } from "../../packages/emulated-azure/real";

const DATABASE = "azure-native:dbforpostgresql:Database";
const ENDPOINT = "azure-native:dbforpostgresql:VirtualEndpoint";
const SUFFIX = "postgres.database.azure.com";

/**
 * How psql reaches each server there is by now, and its PgBouncer: Azure's own names lead here by `hostaddr`, so that their
 * certificate is checked.
 */
export function psqlCommands({ cloud }: EmulatedCloud, { databases: servers }: Real): string[] {
  const all = [...cloud.all()];
  const last = (id: string): string => id.slice(id.lastIndexOf("/") + 1);
  const endpoints = all.filter(({ type }) => type === ENDPOINT).map(({ id }) => last(id));
  const database = all.find(({ type }) => type === DATABASE);
  const hosts = [
    ...endpoints.flatMap((name) => [`${name}.writer.${SUFFIX}`, `${name}.reader.${SUFFIX}`]),
    ...servers.names.map((name) => `${name}.${SUFFIX}`),
  ];
  const [first] = servers.names;
  if (first === undefined) return [];
  const { login } = servers.server(first).administrator;
  const dbname = stringAt(database?.inputs ?? {}, "databaseName") ?? "postgres";
  return hosts.flatMap((host) =>
    [5432, 6432].flatMap((port) => {
      const here = servers.portOf(host, port);
      return here === undefined
        ? []
        : [`psql "host=${host} hostaddr=127.0.0.1 port=${here} user=${login} dbname=${dbname}" # ${port}`];
    }),
  );
}
