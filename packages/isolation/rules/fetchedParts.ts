import { Cursor } from "../read";
import type { ResourceView, Violation } from "../rule";
import { kubernetesObjects } from "../objects";
import { allPlaces, mayHold } from "../places";

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
const DIGESTS = ["sha256", "sha512sum"];

/** Parts of Kubernetes objects that are fetched by an address and run, with nothing that says which they are. */
export function fetchedParts(resource: ResourceView): Violation[] {
  return kubernetesObjects(resource).flatMap(({ kind, object }) => {
    const parts = PARTS.filter(({ kinds }) => kinds.test(kind));
    if (parts.length === 0 || !mayHold(object.value, (at) => typeof at === "string" && ADDRESS.test(at)))
      return [];
    return [...allPlaces(object)].flatMap((place) =>
      parts
        .filter(({ holder }) => holder.test(place.path.slice(object.path.length).replace(/^\./, "")))
        .map(({ address }) => place.at(...address))
        .filter(({ text }) => text !== undefined && ADDRESS.test(text))
        .filter(() => !DIGESTS.some((digest) => place.at(digest).present))
        .map(({ path }) => ({
          path,
          message:
            "is fetched and run, and nothing says what it is; add its digest, or build it into an image",
        })),
    );
  });
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
