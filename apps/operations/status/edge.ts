import { messageOf } from "../frame/errors";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import { duration } from "../duration";
import { CDN_API, edgeId, propertyOf } from "../edge";
import { attention, judged, type LookUp } from "./findings";

/** Days before its end at which a certificate should have been renewed: Front Door does so 45 days before. */
const CERTIFICATE_DAYS = 14;

/** What each public name answers, and from where. */
export function publicNames({ sites, regions }: Platform, ground: Ground): LookUp {
  return async () => {
    const answers = await Promise.all(
      sites.map(async (site) => {
        const { host } = new URL(site);
        try {
          const { status, region } = await ground.edge(site);
          const known = regions.some(({ location }) => location === region);
          return {
            text: `${host}: ${status} ${region ? `from ${region}` : "from a region it does not name"}`,
            problem:
              status !== 200
                ? `${host} answers ${status}`
                : region && !known
                  ? `${host} answers from ${region}`
                  : undefined,
          };
        } catch (error) {
          return { text: `${host}: no answer`, problem: `${host}: ${messageOf(error)}` };
        }
      }),
    );
    return judged(
      answers.flatMap(({ problem }) => problem ?? []),
      answers.map(({ text }) => text).join(", "),
    );
  };
}

/** Front Door as the resource manager shows it: endpoint, origins and names. */
export function frontDoor(platform: Platform, ground: Ground): LookUp {
  return async () => {
    const id = edgeId(platform);
    const endpoint = await ground.resources.get(`${id}/afdEndpoints/${platform.edge.endpoint}`, CDN_API);
    if (!endpoint) return attention(`there is no endpoint ${platform.edge.endpoint}`);
    const [groups, domains] = await Promise.all([
      ground.resources.list(`${id}/originGroups`, CDN_API),
      ground.resources.list(`${id}/customDomains`, CDN_API),
    ]);
    const origins = (
      await Promise.all(
        groups.map(({ name = "" }) => ground.resources.list(`${id}/originGroups/${name}/origins`, CDN_API)),
      )
    ).flat();
    const state = propertyOf(endpoint, "enabledState");
    const off = origins.filter((origin) => propertyOf(origin, "enabledState") !== "Enabled");
    const unproved = domains.filter((domain) => propertyOf(domain, "domainValidationState") !== "Approved");
    return judged(
      [
        ...(state === "Enabled" ? [] : ["it takes no requests: `reopen` opens it"]),
        ...(origins.length === 0 ? ["it has no origin"] : []),
        ...off.map(({ name = "" }) => `origin ${name} is off`),
        ...unproved.map(
          (domain) => `name ${domain.name ?? ""} is ${propertyOf(domain, "domainValidationState")}`,
        ),
      ],
      `endpoint ${state}, ${origins.length} origins, ${domains.length} names`,
    );
  };
}

/** How long the certificates of the public names still hold, as a client sees them. */
export function certificates({ hosts }: Platform, ground: Ground): LookUp {
  return async () => {
    const found = await Promise.all(
      Object.values(hosts).map(async (host) => ({ host, end: await ground.certificate(host) })),
    );
    const left = found.map(({ host, end }) => ({
      host,
      seconds: (end.getTime() - ground.now().getTime()) / 1000,
    }));
    return judged(
      left.flatMap(({ host, seconds }) =>
        seconds < CERTIFICATE_DAYS * 86_400 ? [`${host} should have been renewed`] : [],
      ),
      left.map(({ host, seconds }) => `${host} ${duration(Math.max(0, seconds))}`).join(", "),
    );
  };
}
