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

/** Names the environment answers under are its own, and no partner's. */
export function ownHostRules({ edge }: StackConfig): Problem[] {
  return (["apiHostName", "dashboardHostName"] as const).flatMap((key): Problem[] => {
    const partner = partnerOf(edge[key]);
    return partner
      ? [
          {
            path: ["edge", key],
            found: edge[key],
            allowed: `a name in a domain of your own, not of ${partner.name}`,
          },
        ]
      : [];
  });
}

/** What has to be there while the environment is not: runbooks, mail, and the backups outside Azure. */
export function outsideHostRules({ edge, alerts, recovery }: StackConfig): Problem[] {
  const own = [edge.apiHostName, edge.dashboardHostName];
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
    if (own.includes(found.slice(found.lastIndexOf("@") + 1).toLowerCase())) {
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
