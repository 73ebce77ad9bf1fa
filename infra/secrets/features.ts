import type { OptionalFeature } from "./secretCatalogue";

/** What of an environment's targets for backups needs secrets. */
export function featuresOf({
  s3,
  recipients,
}: {
  s3?: object;
  /** Public keys backups are encrypted for. */
  recipients: readonly string[];
}): OptionalFeature[] {
  return [...(recipients.length > 0 ? ["encryption" as const] : []), ...(s3 ? ["s3" as const] : [])];
}
