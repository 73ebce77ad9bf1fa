import { azure } from "../../packages/isolation/kinds";
import { must, mustBe, mustBeText, mustExist } from "../../packages/isolation/read";
import type { ArmLimit } from "./limit";

const SERVERS = "Microsoft.DBforPostgreSQL/flexibleServers";
const URL = "https://learn.microsoft.com/azure/backup/backup-azure-database-postgresql-flex-support-matrix";

const instance: ArmLimit = {
  id: "ARM-025",
  name: "backup-instance-shape",
  title: "A backup instance describes its server completely",
  description:
    "The data source is a whole flexible server with its resourceID, and the data source set repeats it; the policy is named.",
  why: "Azure rejects databases as a source, and an instance without its data source set.",
  remediation: `Use datasourceType ${SERVERS} in dataSourceInfo and dataSourceSetInfo; mind the capital D of resourceID.`,
  url: URL,
  risks: ["R02", "R10"],
  types: [azure("dataprotection", "BackupInstance")],
  check: (resource) => {
    const properties = resource.at("properties");
    if (!/postgresql/i.test(properties.at("dataSourceInfo", "datasourceType").text ?? "")) return [];
    return ["dataSourceInfo", "dataSourceSetInfo"].flatMap((key) => {
      const source = properties.at(key);
      return [
        ...mustBeText(source.at("datasourceType"), SERVERS),
        ...(source.at("resourceID").unknown ? [] : mustExist(source.at("resourceID"))),
      ];
    });
  },
};

const policy: ArmLimit = {
  id: "ARM-026",
  name: "backup-policy-shape",
  title: "A backup policy is for whole servers, once a week",
  description: "datasourceTypes is exactly the flexible server, and schedules repeat weekly.",
  why: "Azure rejects daily schedules and databases as a source.",
  remediation: "Use a schedule that ends in P1W; the runner makes the daily backups.",
  url: URL,
  risks: ["R10"],
  types: [azure("dataprotection", "BackupPolicy")],
  check: (resource) => {
    const properties = resource.at("properties");
    const types = properties.at("datasourceTypes");
    if (!types.texts().some((type) => /postgresql/i.test(type))) return [];
    return [
      ...types.items().flatMap((type) => mustBe(type, SERVERS)),
      ...properties
        .at("policyRules")
        .items()
        .flatMap((rule) => rule.at("trigger", "schedule", "repeatingTimeIntervals").items())
        .flatMap((interval) =>
          must(
            interval,
            (value) => typeof value === "string" && /\/P1W$/.test(value),
            "repeat weekly (…/P1W)",
          ),
        ),
    ];
  },
};

export const BACKUP_LIMITS: readonly ArmLimit[] = [instance, policy];
