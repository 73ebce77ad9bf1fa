import type { Problem } from "../problems";
import { PRODUCT } from "./common";
import type { StackConfig } from "./shape";

interface Claim {
  readonly path: (string | number)[];
  readonly found: string;
}

/** Programs known by the names of their images, and the keys that run them. */
const PROGRAMS: readonly (readonly [word: RegExp, key: string])[] = [
  [/^envoy/, "gateway.image"],
  [/^postgres[-_]exporter/, "monitoring.postgresExporterImage"],
  [/^blackbox/, "monitoring.blackboxExporterImage"],
  [/^statping/, "statusPage.statpingImage"],
  [/^gatus/, "statusPage.gatusImage"],
  [/^nginx/, "statusPage.frontImage"],
];
/** What others build on, and what runs nothing of this platform. */
const BASES = /^docker\.io\/library\//;

const parts = (image: string) => /^(?<repository>.*?)(?::[^/@]*)?@(?<digest>.*)$/.exec(image)?.groups ?? {};

/** Registries that others publish in, or that are rented by name. */
const REGISTRIES =
  /^(docker\.io|ghcr\.io|quay\.io|gcr\.io|registry\.k8s\.io|mcr\.microsoft\.com|public\.ecr\.aws|registry\.gitlab\.com|[a-z0-9]+\.azurecr\.io|\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com|[a-z0-9-]+-docker\.pkg\.dev)$/;
/** Registries of environments, which the program puts in front of every name itself. */
const ENVIRONMENTS = new RegExp(`^cr${PRODUCT}[a-z0-9]*\\.azurecr\\.io$`);

/** An image comes from where its publisher is known: a name one letter beside ghcr.io is a stranger's. */
function publisherProblem(found: string, domains: readonly string[]): string | undefined {
  const [host = ""] = found.split("/");
  const name = host.replace(/:\d+$/, "");
  if (ENVIRONMENTS.test(host))
    return "the name it has where it is published: the registry of an environment is put in front of it by the program";
  const own = domains.some((domain) => name === domain || name.endsWith(`.${domain}`));
  return own || REGISTRIES.test(host)
    ? undefined
    : "an image of a registry that is known, such as ghcr.io, docker.io, quay.io or an azurecr.io of yours, or of a name in forma3d:domains";
}

/** Keys of images that the workflows of this repository publish. */
const OWN = ["recovery.image", "readiness.image", "controlPlane.runners.jobs.image"];

/** No image is one pasted in the place of another: by its digest, its repository, or the program its name tells. */
export function imageRules({
  domains,
  workloads,
  gateway,
  recovery,
  readiness,
  monitoring,
  statusPage,
  controlPlane: { repository, runners },
}: StackConfig): Problem[] {
  const images: Claim[] = [
    { path: ["workloads", "api", "image"], found: workloads.api.image },
    { path: ["workloads", "dashboard", "image"], found: workloads.dashboard.image },
    { path: ["gateway", "image"], found: gateway.image },
    { path: ["recovery", "image"], found: recovery.image },
    { path: ["readiness", "image"], found: readiness.image },
    { path: ["monitoring", "postgresExporterImage"], found: monitoring.postgresExporterImage },
    { path: ["monitoring", "blackboxExporterImage"], found: monitoring.blackboxExporterImage },
    { path: ["statusPage", "statpingImage"], found: statusPage.statpingImage },
    { path: ["statusPage", "gatusImage"], found: statusPage.gatusImage },
    { path: ["statusPage", "frontImage"], found: statusPage.frontImage },
    ...(runners?.jobs
      ? [{ path: ["controlPlane", "runners", "jobs", "image"], found: runners.jobs.image }]
      : []),
  ];
  return images.flatMap(({ path, found }, index): Problem[] => {
    const { repository: at = "", digest } = parts(found);
    const key = path.join(".");
    const stranger = publisherProblem(found, domains);
    if (stranger !== undefined) return [{ path, found, allowed: stranger }];
    const publisher = `ghcr.io/${repository.split("/")[0]?.toLowerCase() ?? ""}/`;
    if (OWN.includes(key) && at.startsWith("ghcr.io/") && !at.startsWith(publisher))
      return [
        {
          path,
          found,
          allowed: `an image of ${publisher}, where the workflows of controlPlane.repository publish it, or one of a registry of your own`,
        },
      ];
    const [, of] = PROGRAMS.find(([word]) => word.test(at.split("/").at(-1) ?? "")) ?? [];
    if (of !== undefined && of !== key)
      return [{ path, found, allowed: `an image of its own program: by its name this one is for ${of}` }];
    if (BASES.test(at) && of === undefined)
      return [
        { path, found, allowed: "an image of its own program: this one is made for others to build on" },
      ];
    const earlier = images.slice(0, index).find((image) => {
      const other = parts(image.found);
      return other["digest"] === digest || other["repository"] === at;
    });
    return earlier ? [{ path, found, allowed: `another image than ${earlier.path.join(".")}` }] : [];
  });
}
