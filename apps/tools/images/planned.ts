import { PINNED_IMAGE } from "../../operations/ground/registry";
import type { JsonValue, ResourceDocument } from "../render/plan";

function texts(value: JsonValue): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(texts);
  return value !== null && typeof value === "object" ? Object.values(value).flatMap(texts) : [];
}

/** Every image a plan runs, each once, sorted. */
export function imagesOf(resources: readonly Pick<ResourceDocument, "inputs">[]): string[] {
  return [
    ...new Set(resources.flatMap(({ inputs }) => texts(inputs).filter((text) => PINNED_IMAGE.test(text)))),
  ].sort();
}
