import { stringAt } from "../../packages/emulated-azure/model/paths";
import type { Real } from "../../packages/emulated-azure/real";
import type { Served } from "./serve";

const exported = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).map(([name, value]) => `export ${name}='${value}'`);

/** What a person needs to type to use a served cloud, as shell lines. */
export function instructions(served: Served, engine: Readonly<Record<string, string>>): string {
  const { environment, principals, cloud, page, listening, real } = served;
  return [
    "# az, and whatever heeds HTTPS_PROXY: Azure's own names lead here, and nothing else is reached",
    ...exported(environment),
    ...Object.entries(principals).map(
      ([name, { appId = "", secret = "" }]) =>
        `# ${name}: az login --service-principal --username ${appId} --password '${secret}' --tenant ${cloud.directory.tenantId}`,
    ),
    `# clients that take an address: ${listening.address}`,
    ...(real ? [...clusters(served, real), ...databases(served, real), ...blobs(real)] : []),
    "# pulumi, in another shell, as the owner",
    ...exported(engine),
    ...Object.keys(principals)
      .filter((name) => name !== "owner")
      .map((name) => `# ${name}: export PULUMI_DEBUG_PROVIDERS='${served.attach(name)}'`),
    `# page: ${page.address}`,
    "# Ctrl-C ends it",
  ].join("\n");
}

function clusters({ principals, kubeconfig }: Served, { clusters: { names } }: Real): string[] {
  if (names.length === 0) return [];
  return [
    `# kubectl, one context for each cluster: ${names.join(", ")}`,
    ...Object.keys(principals).map((name) => `# ${name}: export KUBECONFIG='${kubeconfig(name) ?? ""}'`),
  ];
}

const DATABASE = "azure-native:dbforpostgresql:Database";
const ENDPOINT = "azure-native:dbforpostgresql:VirtualEndpoint";
const SUFFIX = "postgres.database.azure.com";

/** Azure's own names lead here by `hostaddr`, so that their certificate is checked. */
function databases({ cloud, environment }: Served, { databases: servers }: Real): string[] {
  const all = [...cloud.cloud.all()];
  const last = (id: string): string => id.slice(id.lastIndexOf("/") + 1);
  const endpoints = all.filter(({ type }) => type === ENDPOINT).map(({ id }) => last(id));
  const database = all.find(({ type }) => type === DATABASE);
  const hosts = [
    ...endpoints.flatMap((name) => [`${name}.writer.${SUFFIX}`, `${name}.reader.${SUFFIX}`]),
    ...servers.names.map((name) => `${name}.${SUFFIX}`),
  ];
  const [first] = servers.names;
  if (first === undefined) return [];
  const { login, password } = servers.server(first).administrator;
  const dbname = stringAt(database?.inputs ?? {}, "databaseName") ?? "postgres";
  return [
    "# psql: names as Azure has them, 5432 the server and 6432 its PgBouncer",
    ...exported({
      PGSSLMODE: "verify-full",
      PGSSLROOTCERT: environment["REQUESTS_CA_BUNDLE"] ?? "",
      PGPASSWORD: password,
    }),
    ...hosts.flatMap((host) =>
      [5432, 6432].flatMap((port) => {
        const here = servers.portOf(host, port);
        return here === undefined
          ? []
          : [`# ${port}: psql "host=${host} hostaddr=127.0.0.1 port=${here} user=${login} dbname=${dbname}"`];
      }),
    ),
  ];
}

function blobs({ storage: { names } }: Real): string[] {
  return names.map((name) => `# blobs, by the proxy: https://${name}.blob.core.windows.net`);
}
