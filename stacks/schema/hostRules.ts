import { PARTNERS } from "../../infra/workloads/gatewayConfig";
import type { Problem } from "../problems";
import { isMicrosofts } from "./common";
import type { StackConfig } from "./shape";

const isOf = (host: string, pattern: string): boolean =>
  pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;

/** Partner a host belongs to. */
export function partnerOf(host: string) {
  return PARTNERS.find((one) => isOf(host, one.host) || isOf(host, one.accountHosts ?? one.host));
}

const liesIn = (host: string, domains: readonly string[]): boolean =>
  domains.some((domain) => host === domain || host.endsWith(`.${domain}`));

const ofDomains = (domains: readonly string[]): string => `one of forma3d:domains (${domains.join(", ")})`;

/** Names the environment answers under are its own: no partner's, and no stranger's. */
export function ownHostRules({ edge, domains }: StackConfig): Problem[] {
  const borrowed = domains.flatMap((found, index): Problem[] => {
    const wider = domains.find((domain) => domain !== found && liesIn(found, [domain]));
    if (wider !== undefined)
      return [
        {
          path: ["domains", index],
          found,
          allowed: `a domain that is not part of ${wider}, which stands in the list`,
        },
      ];
    const partner =
      partnerOf(found) ??
      PARTNERS.find(({ host, accountHosts = host }) =>
        [host, accountHosts].some((theirs) => liesIn(theirs.replace("*.", ""), [found])),
      );
    return partner
      ? [{ path: ["domains", index], found, allowed: `a domain of your own, not of ${partner.name}` }]
      : [];
  });
  const names = (["apiHostName", "dashboardHostName"] as const).flatMap((key): Problem[] => {
    const found = { path: ["edge", key], found: edge[key] };
    const partner = partnerOf(edge[key]);
    if (partner) return [{ ...found, allowed: `a name in a domain of your own, not of ${partner.name}` }];
    return liesIn(edge[key], domains) ? [] : [{ ...found, allowed: `a name in ${ofDomains(domains)}` }];
  });
  return [...borrowed, ...names];
}

const hostOfMail = (address: string): string => address.slice(address.lastIndexOf("@") + 1).toLowerCase();

/** Where error reports of an organisation are taken in by Sentry's own service. */
const SENTRY = /^o\d+\.ingest(\.[a-z]{2})?\.sentry\.io$/;
/** Of its two regions the one in the EU (https://docs.sentry.io/organization/data-storage-location/). */
const SENTRY_IN_EU = /\.ingest\.de\.sentry\.io$/;

/** What is written to, read at night or told of errors is the company's: a letter beside it, and it is a stranger's. */
export function strangerRules({ domains, tags, alerts, gateway, controlPlane }: StackConfig): Problem[] {
  const inOurs = ofDomains(domains);
  const mail = [
    { path: ["tags", "owner"], found: tags.owner },
    ...alerts.emails.map((found, index) => ({ path: ["alerts", "emails", index], found })),
  ]
    .filter(({ found }) => !liesIn(hostOfMail(found), domains))
    .map((problem): Problem => ({ ...problem, allowed: `an address in ${inOurs}` }));
  const runbooks = new URL(alerts.runbookBaseUrl).hostname;
  const pages = `${controlPlane.repository.split("/")[0]?.toLowerCase() ?? ""}.github.io`;
  const reports = gateway.errorReports;
  return [
    ...mail,
    ...(liesIn(runbooks, domains) || runbooks === pages || partnerOf(runbooks)
      ? []
      : [
          {
            path: ["alerts", "runbookBaseUrl"],
            found: alerts.runbookBaseUrl,
            allowed: `an address in ${inOurs}, or at ${pages}, where the repository publishes its pages`,
          },
        ]),
    ...(reports === undefined || SENTRY.test(reports) || liesIn(reports, domains) || partnerOf(reports)
      ? []
      : [
          {
            path: ["gateway", "errorReports"],
            found: reports,
            allowed: `a host error reports go to: Sentry's, such as o42.ingest.de.sentry.io, or a name in ${inOurs}`,
          },
        ]),
    ...(reports !== undefined &&
    SENTRY.test(reports) &&
    !SENTRY_IN_EU.test(reports) &&
    tags.dataClassification === "confidential"
      ? [
          {
            path: ["gateway", "errorReports"],
            found: reports,
            allowed:
              "a host of Sentry in the EU, such as o42.ingest.de.sentry.io: tags.dataClassification is confidential, and error reports have customers' data in them",
          },
        ]
      : []),
  ];
}

/** What has to be there while the environment is not: runbooks, mail, and the backups outside Azure. */
export function outsideHostRules({ domains, edge, alerts, recovery }: StackConfig): Problem[] {
  const own = [edge.apiHostName, edge.dashboardHostName];
  // Beside the alias of one no other record stands; a bought domain itself is led to the edge by its own kind of record.
  const aliases = own.filter((name) => !domains.includes(name));
  const runbooks = new URL(alerts.runbookBaseUrl).hostname;
  const problems: Problem[] = [];
  if (own.includes(runbooks) || partnerOf(runbooks)) {
    problems.push({
      path: ["alerts", "runbookBaseUrl"],
      found: alerts.runbookBaseUrl,
      allowed: "an address at another host than edge's and partners': runbooks are read while those are away",
    });
  }
  alerts.emails.forEach((found, index) => {
    if (aliases.includes(hostOfMail(found))) {
      problems.push({
        path: ["alerts", "emails", index],
        found,
        allowed: "an address at another host than edge's, which take no mail",
      });
    }
  });
  const endpoint = recovery.s3?.endpoint;
  if (endpoint !== undefined) {
    const host = new URL(endpoint).hostname;
    if (own.includes(host) || isMicrosofts(host)) {
      problems.push({
        path: ["recovery", "s3", "endpoint"],
        found: endpoint,
        allowed: "an address of another provider: neither the environment's own host nor one of Microsoft's",
      });
    }
  }
  return problems;
}
