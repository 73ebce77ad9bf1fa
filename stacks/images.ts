import { repositoryOf } from "../infra/cluster/imageChecks";
import { stackPlatformNames } from "./names";
import type { StackConfig } from "./schema";

const PINNED = /^[^@\s]+@sha256:[0-9a-f]{64}$/;

/** A value with every pinned image in it replaced, at any depth. */
function replaced(value: unknown, change: (image: string) => string): unknown {
  if (typeof value === "string") return PINNED.test(value) ? change(value) : value;
  if (Array.isArray(value)) return value.map((item) => replaced(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, change)]));
}

/** Every pinned image a value names, each once, sorted. */
function imagesIn(value: unknown): string[] {
  const found = new Set<string>();
  replaced(value, (image) => {
    found.add(image);
    return image;
  });
  return [...found].sort();
}

/** An image as the environment's own registry has it: under the name it has elsewhere, without a tag. */
function asPulled(config: StackConfig, image: string): string {
  if (!config.registry.enabled) return image;
  const host = `${stackPlatformNames(config).imageRegistry.loginServer}/`;
  if (image.startsWith(host)) return image;
  return `${host}${repositoryOf(image)}${image.slice(image.indexOf("@"))}`;
}

/** Where an image of the environment's own registry comes from; any other image as it is. */
export function asPublished(config: StackConfig, image: string): string {
  const host = `${stackPlatformNames(config).imageRegistry.loginServer}/`;
  return image.startsWith(host) ? image.slice(host.length) : image;
}

/** A configuration whose images are those the clusters pull. */
export function withPulledImages(config: StackConfig): StackConfig {
  return replaced(config, (image) => asPulled(config, image)) as StackConfig;
}

/** The same with the names its images have where they are published. */
export function withPublishedImages(config: StackConfig): StackConfig {
  return replaced(config, (image) => asPublished(config, image)) as StackConfig;
}

/** Every image an environment's clusters may pull, by digest, sorted. */
export function pulledImages(config: StackConfig): string[] {
  return imagesIn(withPulledImages(config));
}

/** Repositories of every image an environment's clusters may pull, sorted. */
export function imageRepositories(config: StackConfig): string[] {
  return [...new Set(pulledImages(config).map(repositoryOf))].sort();
}
