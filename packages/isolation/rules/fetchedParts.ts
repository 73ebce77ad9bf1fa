import { watchOf } from "../context";
import { optionSources, variableSource } from "../fetchedSettings";
import { Cursor } from "../read";
import type { Context, ResourceView, Violation } from "../rule";
import { kubernetesObjects } from "../objects";
import { allPlaces, mayHold, placesWhere } from "../places";

/** A part of an object that a controller fetches and has run. */
interface Part {
  readonly kinds: RegExp;
  /** Path of the map or list that holds its address. */
  readonly holder: RegExp;
  /** Steps from there to the address. */
  readonly address: readonly (string | number)[];
}

const PARTS: readonly Part[] = [
  { kinds: /^KafkaConnect$/, holder: /\.artifacts\[\d+\]$/, address: ["url"] },
  { kinds: /^KafkaConnect$/, holder: /\.artifacts\[\d+\]$/, address: ["repository"] },
  { kinds: /^WasmPlugin$/, holder: /^spec$/, address: ["url"] },
  { kinds: /^EnvoyExtensionPolicy$/, holder: /\.code\.http$/, address: ["url"] },
  { kinds: /^EnvoyFilter$/, holder: /\.code\.remote$/, address: ["http_uri", "uri"] },
  { kinds: /^EnvoyFilter$/, holder: /\.code\.remote$/, address: ["httpUri", "uri"] },
  { kinds: /^OpenTelemetryCollector$/, holder: /^spec\.args$/, address: ["config"] },
  { kinds: /^(?:Release|Chart)$/, holder: /\.plugins\[\d+\]$/, address: [] },
];
const ADDRESS = /^(?:https?|ftp|git):/i;
/** What pins a part, beside its address. */
const DIGESTS = ["sha256", "sha512sum", "checksum", "digest"];
/** An address that is one of code by its name, and where objects name plugins. */
const CODE =
  /^(?:https?|ftp|git|s3):\/\/\S+\.(?:wasm|jar|war|so|deb|rpm|whl|phar|lua|rego|sh|ps1|dll|exe)(?:[?#]\S*)?$/i;
const PLUGIN = /(?:^|\.)plugins?(?:\[\d+\]|\.[\w-]+)?(?:\.(?:name|url|source|location|artifact))?$/i;
/** What is told to people, and what rules on commands and texts read. */
const ELSEWHERE = /^metadata\.|ontainers\[\d+\]\./;
const SETTINGS = /^(?:ConfigMap|Secret)$/;

const isCode = ({ text = "" }: Cursor, path: string): boolean =>
  CODE.test(text) || (PLUGIN.test(path) && ADDRESS.test(text));

/** Parts of Kubernetes objects that are fetched by an address and run, with nothing that says which they are. */
export function fetchedParts(resource: ResourceView): Violation[] {
  return kubernetesObjects(resource).flatMap(({ kind, object }) => {
    if (SETTINGS.test(kind) || !mayHold(object.value, (at) => typeof at === "string" && ADDRESS.test(at)))
      return [];
    const parts = PARTS.filter(({ kinds }) => kinds.test(kind));
    const below = ({ path }: Cursor): string => path.slice(object.path.length).replace(/^\./, "");
    return [...allPlaces(object)].flatMap((place) =>
      [
        ...parts.filter(({ holder }) => holder.test(below(place))).map(({ address }) => place.at(...address)),
        ...[...place.entries().map(([, inner]) => inner), ...place.items()].filter(
          (inner) => !ELSEWHERE.test(below(inner)) && isCode(inner, below(inner)),
        ),
      ]
        .filter(({ text }) => text !== undefined && ADDRESS.test(text))
        .filter(() => !DIGESTS.some((digest) => place.at(digest).present))
        .filter(({ path }, at, all) => all.findIndex((other) => other.path === path) === at)
        .map(({ path }) => ({
          path,
          message:
            "is fetched and run, and nothing says what it is; add its digest, or build it into an image",
        })),
    );
  });
}

const RUNS_CONTAINERS = /^kubernetes|^azure-native[^:]*:(?:app|containerinstance)[^:]*:/;

/** Containers that are told, by an argument or a variable, to fetch their settings or more code from outside. */
export function fetchedSettings(resource: ResourceView, context: Context): Violation[] {
  if (!RUNS_CONTAINERS.test(resource.type)) return [];
  const { perimeter } = watchOf(context);
  const isOutside = (host: string | undefined): boolean => host !== undefined && !perimeter.isInside(host);
  const found = placesWhere(new Cursor(resource.props), (at) => "args" in at || "env" in at).flatMap(
    (place) => {
      const env = place.at("env");
      const variables = [
        ...env.items().map((one) => [one.at("name").text ?? "", one.at("value")] as const),
        ...env.entries(),
      ];
      const args = place
        .at("args")
        .texts()
        .map((one) => one.toLowerCase());
      // With a command before them they are read as one line, and each as a text of its own.
      const isOneLine = place.at("command").present || args.some((one) => optionSources(one).some(isOutside));
      const line = isOneLine ? "" : args.join(" ");
      return [
        ...variables
          .filter(([name, { text = "" }]) => isOutside(variableSource(name, text)))
          .map(([, { path }]) => path),
        ...(optionSources(line).some(isOutside) ? [place.at("args").path] : []),
      ];
    },
  );
  return found.map((path) => ({
    path,
    message: "is fetched from outside when it starts, which no plan shows; keep it in the stack",
  }));
}

const RUNBOOKS = "automationRunbookReceivers";

/** Runbooks that alerts start: whatever they do was written elsewhere. */
export function startedRunbooks({ type, props }: ResourceView): Violation[] {
  if (!type.startsWith("azure-native")) return [];
  if (!mayHold(props, (at, key) => key === RUNBOOKS && Object.keys(at).length > 0)) return [];
  return [...allPlaces(new Cursor(props))]
    .map((place) => place.at(RUNBOOKS))
    .filter(({ value }) => Object.keys(value ?? {}).length > 0)
    .map(({ path }) => ({
      path,
      message: "starts a runbook, whose doing no plan shows; tell people or a service of the stack instead",
    }));
}
