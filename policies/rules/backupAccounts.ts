import { REGIONS } from "../../infra/regions";
import { cursor, linked, ofType } from "../../packages/isolation/graph";
import * as kinds from "../../packages/isolation/kinds";
import { fault, mustBeText } from "../../packages/isolation/read";
import type { ResourceView, Rule, StackView } from "../../packages/isolation/rule";
import { about, resourceRule, stackRule, type Verdict } from "./define";
import { THRESHOLDS } from "./thresholds";

const DOCS = "https://learn.microsoft.com/azure";
const { backupRegions, retentionPromises, zonalStorage } = THRESHOLDS;

/** Containers with a purpose, as opposed to scratch space. */
export function promised(container: ResourceView): boolean {
  const name = kinds.azureName(container) ?? "";
  return Object.keys(retentionPromises.value).some((word) => name.includes(word));
}

/** Regions of the accounts a container is in. */
function regionsOf(stack: StackView, container: ResourceView): (string | undefined)[] {
  return [...linked(stack, container, "accountName", kinds.STORAGE_ACCOUNT)].map(({ props }) =>
    kinds.regionName(props.location),
  );
}

const twoRegions = stackRule(
  {
    id: "REC-030",
    name: "backups-in-two-regions",
    title: "Backups exist in two accounts in two regions",
    description: `Storage accounts stand in at least ${backupRegions.value} regions, and every container of backups or evidence has one of the same name in an account of another region.`,
    why: "Backups that are lost together with the database are none. A copy Azure makes would have to be failed over first, is locally redundant from then on, and nothing leads back.",
    severity: "critical",
    framework: { waf: ["RE:05", "RE:09"], mcsb: ["BR-1"], risks: ["R02", "R10", "R11"] },
    remediation: "Use two BackupStorage components in two regions; the recovery runner writes to both.",
    url: `${DOCS}/storage/common/storage-redundancy`,
    appliesTo: "prod",
  },
  (stack) => {
    const accounts = ofType(stack, kinds.STORAGE_ACCOUNT);
    const placed = accounts.map((account) => ({ account, location: cursor(account).at("location") }));
    const unclear = placed.filter(({ location }) => location.unknown);
    const regions = new Set(accounts.map(({ props }) => kinds.regionName(props.location)));
    if (unclear.length > 0) {
      return unclear.map(({ account, location }) => ({
        resource: account,
        outcomes: [{ path: location.path, unknown: true }],
      }));
    }
    if (regions.size < backupRegions.value) {
      return placed.map(({ account, location }) => ({
        resource: account,
        outcomes: fault(location, "must be another region than that of another storage account"),
      }));
    }
    const all = ofType(stack, kinds.BLOB_CONTAINER);
    const containers = all.filter(promised);
    return containers.flatMap((container): Verdict[] => {
      const name = kinds.azureName(container);
      const own = regionsOf(stack, container);
      const elsewhere = containers
        .filter((other) => other !== container && kinds.azureName(other) === name)
        .flatMap((other) => regionsOf(stack, other))
        .some((region) => !own.includes(region));
      const unclear = all.find((other) => cursor(other).at("containerName").unknown);
      if (!elsewhere && unclear)
        return [{ resource: unclear, outcomes: [{ path: "containerName", unknown: true }] }];
      return elsewhere
        ? []
        : [about(container, "must have one of the same name in a storage account of another region")];
    });
  },
);

const zonal = resourceRule(
  {
    id: "REC-038",
    name: "storage-zone-redundant",
    title: "A backup account survives the loss of a zone, and copies itself nowhere",
    description: `sku.name of a storage account is ${zonalStorage.value.join(" or ")}; Standard_LRS in a region without zones.`,
    why: "Locally redundant blobs lie in one building; a geo-redundant account is paid for a copy nobody may ever fail over to.",
    severity: "high",
    framework: { waf: ["RE:05"], mcsb: ["BR-1"], risks: ["R02", "R10"] },
    remediation: "Leave storage.redundancy at Standard_ZRS.",
    url: `${DOCS}/storage/common/storage-redundancy`,
    appliesTo: "prod",
    types: [kinds.STORAGE_ACCOUNT],
  },
  (account) =>
    mustBeText(
      account.at("sku", "name"),
      ...zonalStorage.value,
      ...(hasNoZones(kinds.regionName(account.at("location").value)) ? ["Standard_LRS"] : []),
    ),
);

function hasNoZones(region: string | undefined): boolean {
  return Object.entries(REGIONS).some(([name, { zones }]) => name === region && !zones);
}

export const BACKUP_ACCOUNT_RULES: readonly Rule[] = [twoRegions, zonal];
