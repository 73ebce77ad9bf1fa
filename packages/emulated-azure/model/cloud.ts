import { createHash } from "node:crypto";
import type { Cloud, Stored } from "./types";

/** A cloud that lasts as long as the process. */
export class MemoryCloud implements Cloud {
  private readonly resources = new Map<string, Stored>();

  constructor(readonly seed: string) {}

  get(key: string): Stored | undefined {
    return this.resources.get(key);
  }

  put(stored: Stored): void {
    this.resources.set(stored.key, stored);
  }

  remove(key: string): void {
    this.resources.delete(key);
  }

  all(): Iterable<Stored> {
    return this.resources.values();
  }

  ofType(type: string): Iterable<Stored> {
    return [...this.resources.values()].filter((stored) => stored.type === type);
  }
}

/** Resources of one type; what was deleted and only holds its name is none any more. */
export function liveOfType(cloud: Pick<Cloud, "ofType">, type: string): Stored[] {
  return [...cloud.ofType(type)].filter(({ softDeleted }) => !softDeleted);
}

/** Hexadecimal text that depends on its parts only. */
export function hash(...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex");
}

/** A version 4 GUID that depends on its parts only. */
export function guid(...parts: readonly string[]): string {
  const hex = hash(...parts);
  const variant = ((parseInt(hex[16] ?? "0", 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join("-");
}
