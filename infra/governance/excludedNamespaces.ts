/** Namespaces of Azure's own components, which work on the node. */
export const EXCLUDED_NAMESPACES = [
  "kube-system",
  "gatekeeper-system",
  "azure-arc",
  "azure-extensions-usage-system",
];
