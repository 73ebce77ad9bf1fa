import type { Real } from "../../packages/emulated-azure/real";
import { psqlCommands } from "./psqlCommands";
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

function databases({ cloud, environment }: Served, real: Real): string[] {
  const [first] = real.databases.names;
  if (first === undefined) return [];
  return [
    "# psql: names as Azure has them, 5432 the server and 6432 its PgBouncer; those of servers that come later are on the page",
    ...exported({
      PGSSLMODE: "verify-full",
      PGSSLROOTCERT: environment["REQUESTS_CA_BUNDLE"] ?? "",
      PGPASSWORD: real.databases.server(first).administrator.password,
    }),
    ...psqlCommands(cloud, real).map((command) => `# ${command}`),
  ];
}

function blobs({ storage: { names } }: Real): string[] {
  return names.map((name) => `# blobs, by the proxy: https://${name}.blob.core.windows.net`);
}
