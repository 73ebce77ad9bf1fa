import type { Architecture, DatabaseView, RegionView } from "./architecture";
import type { Content } from "./drawingShapes";
import { standbyText } from "./text";

const size = (name: string): string => name.replace("Standard_", "");
const span = (range: string): string => range.replaceAll("-", "–");

function clusterContent({ cluster, services }: RegionView): Content {
  if (!cluster) return { kind: "services", title: "no cluster", lines: ["made by a failover"] };
  const serving = services.filter(({ pods }) => pods !== "0");
  const main = serving.filter(({ pods }) => pods.includes("-"));
  const rest = serving.filter((service) => !main.includes(service));
  return {
    kind: "services",
    title: cluster.name,
    tag: "Kubernetes",
    lines: [
      `nodes ${span(cluster.nodes.map(size).join(" + "))}, ${cluster.zones > 0 ? `${cluster.zones} zones` : "no zones"}`,
      ...(main.length > 0 ? [main.map(({ name, pods }) => `${name} ×${span(pods)}`).join(", ")] : []),
      ...(rest.length > 0 ? [rest.map(({ name }) => name).join(", ")] : []),
      ...(serving.length > 0
        ? []
        : [services.length > 0 ? `${services.length} services at zero` : "no services"]),
    ],
  };
}

function databaseContent(database: DatabaseView): Content {
  const { server, replica, version = "", diskGB, standby } = database;
  const what = replica ? "replica" : `PostgreSQL ${version}`;
  return {
    kind: "database",
    title: server,
    tag: "Database",
    lines: [
      `${what}, ${size(database.size)}, ${diskGB} GiB`,
      replica ? "can be promoted" : standbyText(standby),
    ],
  };
}

function accountContent(
  { name, redundancy, held }: RegionView["accounts"][number],
  { jobs }: Architecture,
): Content {
  const runs = jobs
    .filter(({ name: job }) => /recovery-(hourly|daily|weekly|monthly|copy|verify|drill)$/.test(job))
    .map(({ name: job }) => job.replace("recovery-", ""));
  return {
    kind: "backups",
    title: name,
    tag: "Backups",
    lines: [
      `${size(redundancy)}, ${held > 0 ? `${held} containers nobody can change` : "no container is held"}`,
      ...(runs.length > 0 ? [runs.join(", ")] : ["no runs here"]),
    ],
  };
}

/** Boxes of a region, top down. */
export function contentsOf(region: RegionView, architecture: Architecture): Content[] {
  const { databases, vaults, accounts } = region;
  return [
    clusterContent(region),
    ...databases.map(databaseContent),
    ...accounts.map((account) => accountContent(account, architecture)),
    ...(vaults.length > 0
      ? [{ kind: "secrets", title: vaults.join(", "), tag: "Key Vault", lines: ["secrets and keys"] }]
      : []),
  ];
}
