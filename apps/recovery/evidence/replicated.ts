import { FailedError } from "../../../packages/command/errors";
import { readIfThere, type EvidenceStore } from "./store";

/** Several places that hold the same documents, as one: what one of them lost the others still have. */
export interface ReplicatedEvidence extends EvidenceStore {
  readonly replicas: readonly EvidenceStore[];
  /** Brings every place the documents below a prefix that another has and it lacks. Nothing is replaced. */
  spread(prefix: string): Promise<void>;
}

/**
 * Documents are made in the first place, which decides whether a name is free, and then in the others.
 * @param replicas at least one, each of which answers
 */
export function replicatedEvidence(
  replicas: readonly [EvidenceStore, ...EvidenceStore[]],
): ReplicatedEvidence {
  const [first, ...others] = replicas;
  const names = async (prefix: string) =>
    Promise.all(replicas.map(async (store) => ({ store, held: new Set(await store.list(prefix)) })));
  const read = async (name: string) => {
    for (const store of replicas) {
      const bytes = await readIfThere(store, name);
      if (bytes) return bytes;
    }
    throw new FailedError(`${name} is in none of ${replicas.map(({ place }) => place).join(", ")}`);
  };
  return {
    replicas,
    place: replicas.map(({ place }) => place).join(", "),
    read,
    async list(prefix) {
      return [...new Set((await names(prefix)).flatMap(({ held }) => [...held]))].sort();
    },
    async create(name, bytes, contentType) {
      // Taken where the first place could not be asked: it is taken.
      for (const store of others) if (await readIfThere(store, name)) return false;
      if (!(await first.create(name, bytes, contentType))) return false;
      // One that fails is caught up by the next `spread`; the document is safe by now.
      await Promise.allSettled(others.map((store) => store.create(name, bytes, contentType)));
      return true;
    },
    async spread(prefix) {
      const found = await names(prefix);
      const all = [...new Set(found.flatMap(({ held }) => [...held]))].sort();
      for (const name of all) {
        const lacking = found.filter(({ held }) => !held.has(name));
        if (lacking.length === 0) continue;
        const bytes = await read(name);
        for (const { store } of lacking) await store.create(name, bytes, contentTypeOf(name));
      }
    },
  };
}

const contentTypeOf = (name: string) =>
  name.endsWith(".json")
    ? "application/json"
    : name.endsWith(".xml")
      ? "application/xml"
      : "text/markdown; charset=utf-8";
