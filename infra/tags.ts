/** Tags every Azure resource of an environment carries. */
export interface Tags {
  [tag: string]: string;
  product: string;
  environment: string;
  owner: string;
  costCenter: string;
  dataClassification: string;
  managedBy: string;
}

/** Builds the tag set from the environment's own values. */
export function platformTags(
  product: string,
  environment: string,
  own: { owner: string; costCenter: string; dataClassification: string },
): Tags {
  return { product, environment, ...own, managedBy: "pulumi" };
}
