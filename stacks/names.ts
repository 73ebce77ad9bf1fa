import { ControlNames, controlNames } from "../infra/control/names";
import { PlatformNames, platformNames } from "../infra/naming";
import { LoginRegion } from "../infra/data/databaseLogins";
import { Region, REGIONS } from "../infra/regions";
import { SecretIssues } from "../infra/secrets/secretIssue";
import type { Place } from "./roles";
import type { StackConfig } from "./schema/shape";
import { PRODUCT } from "./schema/common";

/** The part of a configuration that names derive from. */
export type Named = Pick<
  StackConfig,
  "shortName" | "nameSuffix" | "lastingNameSuffix" | "regions" | "storage"
> &
  Partial<Pick<StackConfig, "serving">> & {
    database?: Pick<StackConfig["database"], "generation">;
  };

/** Names of everything a stack owns. */
export function stackPlatformNames(config: Named): PlatformNames {
  const { primary, secondary } = config.regions;
  return platformNames({
    product: PRODUCT,
    shortName: config.shortName,
    nameSuffix: config.nameSuffix,
    lastingNameSuffix: config.lastingNameSuffix,
    regions: { primary: primary.location, secondary: secondary?.location },
    backupCopy: config.storage.copy.location,
    witness: config.serving?.witness,
    databaseGeneration: config.database?.generation,
  });
}

/** Pulumi project of what the environments are deployed from. */
export const CONTROL_PROJECT = `${PRODUCT}-control`;

/** Names of what a stack is deployed from. */
export function stackControlNames({
  shortName,
  lastingNameSuffix,
  controlPlane,
}: Pick<StackConfig, "shortName" | "lastingNameSuffix" | "controlPlane">): ControlNames {
  const { location, copy } = controlPlane;
  return controlNames({ product: PRODUCT, shortName, nameSuffix: lastingNameSuffix, location, copy });
}

/**
 * Deployment environments of the repository, whose tokens the pipelines' identities trust: what deploys, what reads, what
 * copies the state, and what shows what a branch would change.
 */
export const deploymentEnvironments = (environment: string) => ({
  deploy: environment,
  read: `${environment}-read`,
  copy: `${environment}-copy`,
  preview: `${environment}-preview`,
});

/** What decides the values of a stack's managed secrets. */
export function secretIssues({ vault, database }: Pick<StackConfig, "vault" | "database">): SecretIssues {
  const { applicationDatabase, sslMode, restoredAt } = database;
  return {
    issued: vault.secretsIssued,
    tokenEncryptionKeys: vault.tokenEncryptionKeys,
    connection: { database: applicationDatabase, sslMode, restoredAt },
  };
}

/** How the database's logins name the regions, by place. */
export function loginRegions({ regions }: Pick<StackConfig, "regions">): Partial<
  Record<Place, LoginRegion>
> & {
  primary: LoginRegion;
} {
  const of = ({ location }: { location: Region }): LoginRegion => ({
    code: REGIONS[location].code,
    location,
  });
  return { primary: of(regions.primary), ...(regions.secondary && { secondary: of(regions.secondary) }) };
}
