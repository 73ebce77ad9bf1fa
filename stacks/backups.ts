import { ResourceGroup } from "@pulumi/azure-native/resources";
import { BackupAccess, BackupAccount } from "../infra/data/backupAccess";
import { BackupStorage } from "../infra/data/storage";
import { Logs } from "../infra/monitoring/logs";
import { BackupAccountNames, backupAccounts } from "../infra/naming";
import { ServingRecord } from "../infra/serving/servingRecord";
import { BackupTarget } from "../infra/recovery/recoveryTargets";
import type { Context } from "./context";
import { RegionBase } from "./regional";
import { Place, PLACES } from "./roles";

/** One of the two accounts that hold the backups. */
export interface PlacedBackups {
  place: Place;
  names: BackupAccountNames;
  group: ResourceGroup;
  storage: BackupStorage;
}

/**
 * Two accounts in two regions. Where the environment has one region only, the second account stands alone in another, in
 * a group of the name a second region would have: one that is added later takes it over as it is.
 */
export function backupStorage(context: Context, regions: readonly RegionBase[], logs: Logs): PlacedBackups[] {
  const { config, names, tags, providers, opts } = context;
  const { copy, redundancy, ...storage } = config.storage;
  return backupAccounts(names).map((account, index) => {
    const place = PLACES[index] ?? "secondary";
    const group =
      regions[index]?.group ??
      new ResourceGroup(
        `${names.prefix}-${place}-group`,
        { resourceGroupName: account.resourceGroup, location: account.region, tags },
        { provider: providers.azure },
      );
    return {
      place,
      names: account,
      group,
      storage: new BackupStorage(
        `${names.prefix}-${place}-backups`,
        {
          ...storage,
          redundancy: (place === "secondary" ? copy.redundancy : undefined) ?? redundancy,
          accountName: account.storageAccount,
          resourceGroupName: group.name,
          region: account.region,
          protect: config.protectData,
          logWorkspaceId: logs.workspaceId,
          tags,
        },
        opts,
      ),
    };
  });
}

/** The record of which region serves, where there are two: in the accounts of both, and in a third region. */
export function servingRecord(
  { config, names, tags, opts }: Context,
  regions: readonly RegionBase[],
  backups: readonly PlacedBackups[],
  global: ResourceGroup,
  logs: Logs,
): ServingRecord | undefined {
  const place = ({ names: account, group, storage }: PlacedBackups) => ({
    name: account.region,
    accountName: storage.accountName,
    accountId: storage.accountId,
    resourceGroupName: group.name,
    resourceGroupId: group.id,
  });
  const [one, other] = backups;
  if (!names.servingWitness || !one || !other) return undefined;
  const by = (identity: "gateway" | "operator") =>
    Object.fromEntries(regions.map((region) => [region.place, region.identities.workloads[identity]]));
  return new ServingRecord(
    `${names.prefix}-serving`,
    {
      subscriptionId: config.azure.subscriptionId,
      prefix: names.prefix,
      places: [place(one), place(other)],
      witness: {
        accountName: names.servingWitness.storageAccount,
        region: names.servingWitness.region,
        resourceGroupName: global.name,
        resourceGroupId: global.id,
      },
      readers: by("gateway"),
      writers: by("operator"),
      deployer: config.controlPlane.deployObjectId,
      operators: config.cluster.adminGroupObjectIds,
      protect: config.protectData,
      logWorkspaceId: logs.workspaceId,
      tags,
    },
    opts,
  );
}

/** Rights of both regions' identities in both accounts. */
export function accessToBackups(
  { config, names, opts }: Context,
  regions: readonly RegionBase[],
  backups: readonly PlacedBackups[],
): BackupAccess {
  const account = ({ place, group, storage }: PlacedBackups): BackupAccount => ({
    place,
    resourceGroupId: group.id,
    containerIds: storage.containerIds,
  });
  const [first, ...others] = backups;
  if (!first) throw new Error("a platform has two accounts for its backups");
  return new BackupAccess(
    `${names.prefix}-backup-access`,
    {
      subscriptionId: config.azure.subscriptionId,
      accounts: [account(first), ...others.map(account)],
      identities: Object.fromEntries(regions.map((region) => [region.place, region.identities.workloads])),
      operators: config.cluster.adminGroupObjectIds,
      // Where there is a record of who serves, leases lie beside that.
      ...(!names.servingWitness && { deployer: config.controlPlane.deployObjectId }),
      prefix: names.prefix,
    },
    opts,
  );
}

/** The accounts as the recovery runner of a region is told of them: its own first. */
export function backupTargets(backups: readonly PlacedBackups[], place: Place): BackupTarget[] {
  return [...backups]
    .sort((one, other) => Number(other.place === place) - Number(one.place === place))
    .map(({ names, storage }) => ({ name: names.region, url: storage.blobEndpoint }));
}
