import type { Cursor } from "../read";
import type { Context, ResourceView, StackView, Tree, Violation } from "../rule";
import { watchOf, whose } from "../context";
import { kubernetesObjects, nameOf, podSpecs, type KubernetesObject } from "../objects";
import { namespaceOf } from "../secretReferences";
import { UNOWNED } from "../perimeter";
import { stackRule } from "./metadata";

/** Texts of a ConfigMap or Secret by key, in clear. */
type Settings = ReadonlyMap<string, string>;

const sourceKey = (kind: string, namespace: string | undefined, name: string | undefined): string =>
  `${kind}/${namespace ?? ""}/${name ?? ""}`;

/** What the ConfigMaps and Secrets of a stack hold, by kind, namespace and name. Most are taken by no setting, and not read. */
class Sources {
  private readonly objects: ReadonlyMap<string, KubernetesObject>;
  private readonly read = new Map<KubernetesObject, Settings>();

  constructor(objects: readonly KubernetesObject[]) {
    this.objects = new Map(
      objects
        .filter(({ kind }) => kind === "ConfigMap" || kind === "Secret")
        .map((found) => [sourceKey(found.kind, namespaceOf(found), nameOf(found).name), found]),
    );
  }

  get size(): number {
    return this.objects.size;
  }

  get(key: string): Settings | undefined {
    const found = this.objects.get(key);
    if (!found) return undefined;
    let settings = this.read.get(found);
    if (!settings) this.read.set(found, (settings = settingsOf(found)));
    return settings;
  }
}

function settingsOf({ kind, object }: KubernetesObject): Settings {
  const isEncoded = kind === "Secret";
  return new Map(
    ["data", "stringData"].flatMap((part) =>
      object
        .at(part)
        .entries()
        .flatMap(([key, { text }]): [string, string][] => {
          if (text === undefined) return [];
          return [[key, isEncoded && part === "data" ? Buffer.from(text, "base64").toString() : text]];
        }),
    ),
  );
}

/** A container's environment with what it takes from ConfigMaps and Secrets, in the order of its entries. */
function environmentOf(
  container: Cursor,
  settings: (kind: string, name: Cursor) => Settings | undefined,
): Tree[] {
  const own = container
    .at("env")
    .items()
    .map((entry): Tree => {
      const from = entry.at("valueFrom");
      const taken = (["configMapKeyRef", "secretKeyRef"] as const).flatMap((key) => {
        const source = settings(key === "secretKeyRef" ? "Secret" : "ConfigMap", from.at(key, "name"));
        return source?.get(from.at(key, "key").text ?? "") ?? [];
      });
      return { name: entry.at("name").value ?? null, value: taken[0] ?? entry.at("value").value ?? null };
    });
  const all = container
    .at("envFrom")
    .items()
    .flatMap((entry): Tree[] =>
      (["configMapRef", "secretRef"] as const).flatMap((key) => {
        const source = settings(key === "secretRef" ? "Secret" : "ConfigMap", entry.at(key, "name"));
        return [...(source ?? [])].map(([name, value]) => ({
          name: `${entry.at("prefix").text ?? ""}${name}`,
          value,
        }));
      }),
    );
  return [...own, ...all];
}

/** Files a container is given by its pod's ConfigMaps and Secrets, by their path. */
function filesOf(
  container: Cursor,
  spec: Cursor,
  settings: (kind: string, name: Cursor) => Settings | undefined,
): Map<string, string> {
  const volumes = new Map(
    spec
      .at("volumes")
      .items()
      .map((volume) => {
        const source =
          settings("ConfigMap", volume.at("configMap", "name")) ??
          settings("Secret", volume.at("secret", "secretName"));
        return [volume.at("name").text, source] as const;
      }),
  );
  return new Map(
    container
      .at("volumeMounts")
      .items()
      .flatMap((mount) => {
        const folder = (mount.at("mountPath").text ?? "").replace(/\/+$/, "");
        const part = mount.at("subPath").text;
        return [...(volumes.get(mount.at("name").text) ?? [])].flatMap(([key, text]): [string, string][] => {
          if (part !== undefined) return part === key ? [[folder, text]] : [];
          return [[`${folder}/${key}`, text]];
        });
      }),
  );
}

/** Where a shell puts in what a file holds: `$(cat file)`, `$(<file)`, `` `cat file` ``. */
const FILE_PLACE =
  /\$\(\s*(?:cat\s|<)\s*["']?([^\s"'()|;]{1,200})["']?\s*\)|`cat\s+["']?([^\s"'`|;]{1,200})["']?\s*`/g;

/** Texts with what files hold put in where a shell reads them. */
function withFiles(value: Tree[string], files: ReadonlyMap<string, string>): Tree[string] {
  if (typeof value === "string")
    return value.replace(
      FILE_PLACE,
      (whole, one?: string, other?: string) => files.get(one ?? other ?? "")?.trim() ?? whole,
    );
  return Array.isArray(value) ? value.map((inner) => withFiles(inner as Tree[string], files)) : value;
}

const containersOf = (spec: Cursor): Cursor[] =>
  ["containers", "initContainers", "ephemeralContainers"].flatMap((list) => spec.at(list).items());

/** What containers of one object name once the settings they take from other objects are put in. */
function madeOf(resource: ResourceView, sources: Sources, context: Context): Violation[] {
  const watch = watchOf(context);
  return kubernetesObjects(resource).flatMap((found) => {
    const namespace = namespaceOf(found);
    const settings = (kind: string, name: Cursor): Settings | undefined =>
      name.text === undefined ? undefined : sources.get(sourceKey(kind, namespace, name.text));
    return podSpecs(found)
      .flatMap((spec) => containersOf(spec).map((container) => ({ spec, container })))
      .flatMap(({ spec, container }): Violation[] => {
        const files = filesOf(container, spec, settings);
        const own = container.at("env").items();
        const isTaken = (at: number): boolean => own[at]?.at("valueFrom").present ?? true;
        const takesAny = own.some((_, at) => isTaken(at)) || container.at("envFrom").items().length > 0;
        if (files.size === 0 && !takesAny) return [];
        const env = environmentOf(container, settings);
        if (files.size === 0 && !env.some((_, at) => isTaken(at))) return [];
        const asWritten: Tree = {
          command: container.at("command").value ?? null,
          args: container.at("args").value ?? null,
        };
        const parts: Tree = {
          command: withFiles(asWritten["command"] ?? null, files),
          args: withFiles(asWritten["args"] ?? null, files),
        };
        const written = { ...asWritten, env: container.at("env").value ?? null };
        const alone = new Set(watch.scanner.scan(written).map(({ path }) => path));
        const values = new Set(env.flatMap((_, at) => (isTaken(at) ? [`env[${at}].value`] : [])));
        return watch.scanner
          .scan({ ...parts, env })
          .filter(({ reach, path }) => !UNOWNED.has(reach) && !alone.has(path) && !values.has(path))
          .map(({ path, decoding, environment }) => ({
            urn: resource.urn,
            path: `${container.path}.${path}`,
            decoding,
            environment: whose(environment),
            message: `names something of ${whose(environment)} once what it takes from ConfigMaps and Secrets is put in`,
          }));
      });
  });
}

function assembledSettings(stack: StackView, context: Context): Violation[] {
  const views = stack.resources.map((resource) => ({
    ...resource,
    props: resource.inputs ?? resource.props,
  }));
  const sources = new Sources(views.flatMap(kubernetesObjects));
  return sources.size === 0 ? [] : views.flatMap((resource) => madeOf(resource, sources, context));
}

/** Pieces of a name in several objects are a name where a container takes them together. */
export const takenSettingsRule = stackRule({
  id: "ISO-065",
  name: "no-foreign-settings-taken",
  title: "Containers name nothing foreign with the settings they take",
  description:
    "No setting, command or argument of a container names anything of another environment once the values it takes from the stack's ConfigMaps and Secrets, as variables or as files a shell reads, are put in.",
  why: "A name cut into a ConfigMap and a variable is in neither, and Kubernetes puts it together when the container starts.",
  remediation: "Take the whole host from the stack's own output, in one setting.",
  url: "https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/",
  appliesTo: "any",
  check: assembledSettings,
});
