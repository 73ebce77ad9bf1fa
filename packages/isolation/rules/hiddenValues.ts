import { Cursor } from "../read";
import { ASSETS, type Context, type ResourceView, type Violation } from "../rule";
import { kubernetesObjects, podSpecs, type KubernetesObject } from "../objects";
import { allPlaces, mayHold } from "../places";
import { resourceRule } from "./metadata";

/** Assets and archives whose content nobody has read: files that are not there, and addresses. */
function unreadAssets(props: ResourceView["props"]): Cursor[] {
  return [...allPlaces(new Cursor(props))].filter((place) => {
    const { value } = place;
    if (typeof value !== "object" || value === null || !ASSETS.has(value)) return false;
    return place.at("uri").present || (place.at("path").present && !place.at("content").present);
  });
}

/** Volumes that are folders of a node. What stands there, credentials of the node among it, is in no plan. */
function nodeFolders(resource: ResourceView): Violation[] {
  return kubernetesObjects(resource).flatMap(({ kind, object }) =>
    [...allPlaces(object)]
      .flatMap((place) => [
        ...(typeof place.at("hostPath").value === "object" ? [place.at("hostPath")] : []),
        ...(kind === "PersistentVolume" ? [place.at("local", "path")] : []),
      ])
      .filter((place) => place.present && !place.unknown)
      .map(({ path }) => ({
        path,
        message: "mounts a folder of the node, whose content is in no plan; use a volume the stack declares",
      })),
  );
}

/** Drivers of volumes whose parameters rules read; the others are told what to fetch in words of their own. */
const DRIVERS = new Set([
  "secrets-store.csi.k8s.io",
  "disk.csi.azure.com",
  "file.csi.azure.com",
  "blob.csi.azure.com",
  "smb.csi.k8s.io",
  "nfs.csi.k8s.io",
  "csi.cert-manager.io",
  "spiffe.csi.cert-manager.io",
  "csi.spiffe.io",
  // Of classes only: the trees' own, volumes that stand on a node by themselves, and Azure's storage in containers.
  "kubernetes.io/azure-disk",
  "kubernetes.io/azure-file",
  "kubernetes.io/no-provisioner",
  "containerstorage.csi.azure.com",
  "localdisk.csi.acstor.io",
]);

/** Where an object names the driver of a volume. */
const driversOf = ({ kind, object }: KubernetesObject): Cursor[] => {
  if (kind === "PersistentVolume") return [object.at("spec", "csi", "driver")];
  if (kind === "StorageClass") return [object.at("provisioner")];
  return kind.startsWith("VolumeSnapshot") ? [object.at("driver"), object.at("spec", "driver")] : [];
};

function strangeVolumes(resource: ResourceView): Violation[] {
  return kubernetesObjects(resource)
    .flatMap((found) => [
      ...driversOf(found),
      ...podSpecs(found)
        .flatMap((spec) => spec.at("volumes").items())
        .map((volume) => volume.at("csi", "driver")),
    ])
    .filter(({ text }) => text !== undefined && !DRIVERS.has(text))
    .map(({ path }) => ({
      path,
      message:
        "mounts what a driver nobody has looked at fetches; use a volume the stack declares, or have the driver reviewed",
    }));
}

/** Volumes that are checked out of a repository when they are mounted: of pods, of container groups. */
function checkedOut(props: ResourceView["props"]): Cursor[] {
  return [...allPlaces(new Cursor(props))]
    .map((place) => place.at("gitRepo"))
    .filter((volume) => volume.at("repository").present);
}

/** Whether something is an asset, a checkout, or a folder of a node or has one: what the next three look for, place by place. */
const isOutside = (at: object | string, key: string | undefined): boolean =>
  typeof at === "object" &&
  (ASSETS.has(at) || key === "gitRepo" || "hostPath" in at || (key === "local" && "path" in at));

function hidesValues(resource: ResourceView, { environment }: Context): Violation[] {
  const findings: Violation[] = [];
  const mayBeOutside = mayHold(resource.props, isOutside);
  if (mayBeOutside) {
    const unread = unreadAssets(resource.props).map(({ path }) => ({
      path,
      message:
        "is fetched, or read from a file nobody could open here, after the preview; pass the content inline or keep the file in the project",
    }));
    const fetched = checkedOut(resource.props).map(({ path }) => ({
      path,
      message: "is checked out of a repository when it is mounted; build it into the image",
    }));
    findings.push(...unread, ...fetched);
  }
  if (environment === "prod") return findings;
  if (mayBeOutside) findings.push(...nodeFolders(resource));
  findings.push(...strangeVolumes(resource));
  for (const { kind, object } of kubernetesObjects(resource)) {
    if (kind === "SealedSecret") {
      findings.push({
        path: object.at("spec", "encryptedData").path,
        message: "cannot be read by any rule; use a SecretProviderClass",
      });
    }
  }
  return findings;
}

/** What cannot be read cannot be judged. */
export const hiddenValuesRule = resourceRule({
  id: "ISO-053",
  name: "no-hidden-values",
  title: "Every value is in the plan",
  description:
    "Assets and archives are inline or files the pack can open, nothing is fetched, no volume is a checkout of a repository, and outside prod no driver of volumes that nobody has looked at, no sealed secret and no folder of a node (`hostPath`, local volumes) is part of a stack.",
  why: "A connection string in them is invisible to every rule.",
  remediation:
    "Pass contents inline or from files of the project up to 4 MiB; mount secrets from the stack's own vault and volumes the stack declares.",
  url: "https://www.pulumi.com/docs/iac/concepts/assets-archives/",
  appliesTo: "any",
  check: hidesValues,
});
