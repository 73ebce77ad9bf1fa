import type { ResourceChange } from "./change";

const SERVER = "azure-native:dbforpostgresql:Server";

const resized = ({ type, kind, properties }: ResourceChange): boolean =>
  type === SERVER &&
  kind === "changed" &&
  properties.some(({ path, ignored }) => path === "sku.name" && !ignored);

/**
 * What is to be done before an update takes changes that nothing forbids. An update changes the server that is followed
 * first, and Azure refuses a replica that is smaller than it, whichever way a size goes.
 */
export function byHandFirst(changes: readonly ResourceChange[]): string[] {
  return changes.filter(resized).length > 1
    ? [
        "before it is merged, one of the two database servers by hand: docs/changing.md, another compute size; the update alone would be refused",
      ]
    : [];
}
