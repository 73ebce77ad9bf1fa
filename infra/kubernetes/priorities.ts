import type { Role } from "./labels";

/** Classes of the platform's pods. Kubernetes' own pods stand above them all, from two billion up. */
export const PRIORITY_CLASSES = {
  serving: { value: 1_000_000, description: "Answers customers and partners, and what it needs to start." },
  recovery: { value: 500_000, description: "Backs up, proves and restores; gives way to what serves only." },
} as const;

export type PriorityClassName = keyof typeof PRIORITY_CLASSES;

/** Class of a role's pods; undefined: none, so they go first when nodes are short. */
const CLASS_OF: Readonly<Record<Role, PriorityClassName | undefined>> = {
  application: "serving",
  gateway: "serving",
  database: "serving",
  recovery: "recovery",
  monitoring: undefined,
};

/** Name of a class in the cluster, where names are everybody's. */
export function priorityClassName(product: string, name: PriorityClassName): string {
  return `${product}-${name}`;
}

/** The part of a pod's spec that says how important it is. */
export function priorityOf({ role, product }: { role: Role; product: string }): {
  priorityClassName?: string;
} {
  const name = CLASS_OF[role];
  return name ? { priorityClassName: priorityClassName(product, name) } : {};
}
