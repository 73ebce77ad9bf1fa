import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { isDeepStrictEqual } from "node:util";
import { apiVersionOf, type Kind } from "./kinds";
import { withDefaults } from "./defaults";
import { conflict, invalid, notFound, StatusError } from "./status";
import type { Metadata, Stored } from "./stored";

export interface Change {
  type: "ADDED" | "MODIFIED" | "DELETED";
  kind: Kind;
  object: Stored;
  version: number;
}

const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** The objects of one cluster, with the rules the API server has for all of them. */
export class Objects {
  private readonly byKey = new Map<string, Stored>();
  private readonly changes = new EventEmitter().setMaxListeners(0);
  /** Of the newest change. */
  version = 1;
  /** The newest changes, for whoever watches from a version that has passed. */
  readonly recent: Change[] = [];

  constructor(readonly now: () => Date = () => new Date()) {}

  onChange(listener: (change: Change) => void): () => void {
    this.changes.on("change", listener);
    return () => this.changes.off("change", listener);
  }

  list(kind: Kind, namespace?: string): Stored[] {
    const start = `${apiVersionOf(kind)}/${kind.kind}/`;
    return [...this.byKey]
      .filter(
        ([key, { metadata }]) => key.startsWith(start) && (!namespace || metadata.namespace === namespace),
      )
      .map(([, object]) => object);
  }

  find(kind: Kind, namespace: string | undefined, name: string): Stored | undefined {
    return this.byKey.get(keyOf(kind, namespace, name));
  }

  /** @throws StatusError 404 */
  get(kind: Kind, namespace: string | undefined, name: string): Stored {
    const found = this.find(kind, namespace, name);
    if (!found) throw notFound(titled(kind, name));
    return found;
  }

  /** @throws StatusError 404 for a namespace that is not there, 409 for a name that is taken, 422 */
  create(kind: Kind, namespace: string | undefined, given: Partial<Stored>): Stored {
    const metadata = (given.metadata as Metadata | null | undefined) ?? ({} as Metadata);
    const generated = metadata["generateName"];
    const name = metadata.name ?? (typeof generated === "string" ? generated + suffix() : "");
    if (!NAME.test(name))
      throw invalid(
        `${kind.kind} "${name}" is invalid: metadata.name: a lowercase RFC 1123 name is required`,
      );
    if (namespace && kind.namespaced && !this.byKey.has(`v1/Namespace//${namespace}`))
      throw notFound(`namespaces "${namespace}"`);
    const key = keyOf(kind, namespace, name);
    if (this.byKey.has(key))
      throw new StatusError(409, "AlreadyExists", `${titled(kind, name)} already exists`);
    const object = withDefaults({
      ...structuredClone(given),
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      metadata: {
        ...structuredClone(metadata),
        name,
        ...(namespace && kind.namespaced && { namespace }),
        uid: randomUUID(),
        resourceVersion: "0",
        generation: 1,
        creationTimestamp: this.now().toISOString().replace(/\.\d+/, ""),
      },
    });
    this.store("ADDED", kind, key, object);
    return object;
  }

  /**
   * Puts a new form of an object in place of the old one: of its spec and labels, or of its status only.
   * @throws StatusError 409 when the given resource version is not the newest
   */
  replace(kind: Kind, old: Stored, given: Stored, part: "main" | "status" = "main"): Stored {
    const { resourceVersion } = given.metadata;
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion)
      throw conflict(
        `Operation cannot be fulfilled on ${titled(kind, old.metadata.name)}: the object has been modified; please apply your changes to the latest version and try again`,
      );
    const { uid, name, namespace, creationTimestamp, generation } = old.metadata;
    const kept = { uid, name, creationTimestamp, ...(namespace && { namespace }) };
    const next: Stored =
      part === "status"
        ? { ...old, metadata: { ...old.metadata }, status: given.status }
        : {
            ...structuredClone(given),
            apiVersion: old.apiVersion,
            kind: old.kind,
            metadata: { ...structuredClone(given.metadata), ...kept, generation, resourceVersion: "0" },
            ...(old.status && { status: old.status }),
          };
    if (part === "main" && !isDeepStrictEqual(next.spec, old.spec)) next.metadata.generation++;
    const same = { ...next, metadata: { ...next.metadata, resourceVersion: old.metadata.resourceVersion } };
    if (isDeepStrictEqual(same, old)) return old;
    this.store("MODIFIED", kind, keyOf(kind, namespace, name), next);
    return next;
  }

  delete(kind: Kind, object: Stored): void {
    const { name, namespace } = object.metadata;
    const key = keyOf(kind, namespace, name);
    if (!this.byKey.delete(key)) return;
    this.tell("DELETED", kind, {
      ...object,
      metadata: { ...object.metadata, resourceVersion: `${++this.version}` },
    });
  }

  private store(type: "ADDED" | "MODIFIED", kind: Kind, key: string, object: Stored): void {
    object.metadata.resourceVersion = `${++this.version}`;
    this.byKey.set(key, object);
    this.tell(type, kind, object);
  }

  private tell(type: Change["type"], kind: Kind, object: Stored): void {
    const change: Change = { type, kind, object, version: this.version };
    this.recent.push(change);
    if (this.recent.length > 5000) this.recent.shift();
    this.changes.emit("change", change);
  }
}

const keyOf = (kind: Kind, namespace: string | undefined, name: string): string =>
  `${apiVersionOf(kind)}/${kind.kind}/${kind.namespaced ? (namespace ?? "") : ""}/${name}`;

const titled = ({ group, plural }: Kind, name: string): string =>
  `${group ? `${plural}.${group}` : plural} "${name}"`;

export function suffix(): string {
  return randomUUID().replaceAll("-", "").slice(0, 5);
}
