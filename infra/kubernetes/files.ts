import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap";
import type { core } from "@pulumi/kubernetes/types/input";
import * as pulumi from "@pulumi/pulumi";
import { createHash } from "node:crypto";

/** Files a container reads, by name, and the folder they appear in. Never a secret. */
export interface Files {
  folder: string;
  contents: Record<string, string>;
}

/** The ConfigMap files are kept in. */
export interface FilesMap {
  map: ConfigMap;
  name: string;
}

const VOLUME = "files";

/** Ten hexadecimal digits that stand for a content, for names that change with it. */
export function digestOf(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 10);
}

/** Keeps files under a name that changes with them, so that pods roll and a rollback finds the old ones. */
export function filesMap(
  name: string,
  args: { workload: string; namespace: pulumi.Input<string>; labels: Record<string, string>; files: Files },
  opts: pulumi.CustomResourceOptions,
): FilesMap {
  const mapName = `${args.workload}-${digestOf(args.files.contents)}`;
  const metadata = { name: mapName, namespace: args.namespace, labels: args.labels };
  return {
    map: new ConfigMap(name, { metadata, immutable: true, data: args.files.contents }, opts),
    name: mapName,
  };
}

/** Volume of the files in a ConfigMap, readable by everybody and writable by nobody. */
export function filesVolume(mapName: string): core.v1.Volume {
  return { name: VOLUME, configMap: { name: mapName, defaultMode: 0o444 } };
}

export function filesMount(folder: string): core.v1.VolumeMount {
  return { name: VOLUME, mountPath: folder, readOnly: true };
}
