/** Labels that select the pods of one workload. Changing them replaces its Deployment. */
export type Selector = { "app.kubernetes.io/name": string };

export function selectorOf(workload: string): Selector {
  return { "app.kubernetes.io/name": workload };
}

/** Part a workload plays. */
export type Role = "application" | "gateway" | "recovery" | "database" | "monitoring";

/** Labels of everything the platform puts into a cluster. */
export function platformLabels(product: string): Record<string, string> {
  return { "app.kubernetes.io/part-of": product, "app.kubernetes.io/managed-by": "pulumi" };
}

/** Kubernetes' recommended labels (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels). */
export function labelsOf(workload: string, role: Role, product: string): Record<string, string> {
  return {
    ...selectorOf(workload),
    "app.kubernetes.io/component": role,
    ...platformLabels(product),
  };
}

/** Pods with this label get a token their service account's Azure identity trusts. */
export const WORKLOAD_IDENTITY_LABEL = { "azure.workload.identity/use": "true" } as const;
