import type { Problem } from "../problems";
import { partnerOf } from "./hostRules";
import type { StackConfig } from "./shape";

/** The environment whose loss the recovery objectives are about. */
export const PRODUCTION = "prod";

/** Whether the letters of a short name stand in a name in the same order, beginning with the first. */
function abbreviates(short: string, name: string): boolean {
  const letters = name.replaceAll("-", "");
  let from = 0;
  const inOrder = [...short].every((letter) => {
    const at = letters.indexOf(letter, from);
    from = at + 1;
    return at >= 0;
  });
  return inOrder && short[0] === letters[0];
}

/** Other words for it: an environment called so would be taken for production, and be held to none of its promises. */
const MEANS_PRODUCTION = /^(production|prd|live)$/;

/** Names that say which environment they belong to, so that nobody mistakes one for another. */
export function environmentRules({ environment, shortName }: StackConfig): Problem[] {
  if (MEANS_PRODUCTION.test(environment))
    return [
      {
        path: ["environment"],
        found: environment,
        allowed: `a name that does not mean production, whose stack is ${PRODUCTION}`,
      },
    ];
  return abbreviates(shortName, environment)
    ? []
    : [
        {
          path: ["shortName"],
          found: shortName,
          allowed: `an abbreviation of environment (${environment}): its first letter and others of it in order`,
        },
      ];
}

/** Most minutes of data lost, and until production is back (report §1). */
const OBJECTIVES = { rpoMinutes: 60, rtoMinutes: 240 } as const;

/** What production promises and no other environment has to. */
export function productionRules({ environment, tags, regions, database, recovery }: StackConfig): Problem[] {
  if (environment !== PRODUCTION) return [];
  const problems: Problem[] = [];
  for (const [key, most] of Object.entries(OBJECTIVES) as [keyof typeof OBJECTIVES, number][]) {
    if (recovery[key] <= most) continue;
    problems.push({
      path: ["recovery", key],
      found: recovery[key],
      allowed: `at most ${most}, which production promises its customers`,
    });
  }
  if (tags.dataClassification !== "confidential") {
    problems.push({
      path: ["tags", "dataClassification"],
      found: tags.dataClassification,
      allowed: "confidential, because production holds customers' data",
    });
  }
  if (regions.secondary === undefined) {
    problems.push({
      path: ["regions", "secondary"],
      found: undefined,
      allowed: "a second region, because production survives the loss of one",
    });
  } else if (database.replica === undefined && database.withoutReplica === undefined) {
    problems.push({
      path: ["database", "replica"],
      found: undefined,
      allowed: `{}, because production survives the loss of a region; for a while without one, e.g. during a major upgrade, say why in database.withoutReplica`,
    });
  }
  return problems;
}

/** A reason for having no replica says nothing while there is one. */
export function withoutReplicaRules({ environment, database }: StackConfig): Problem[] {
  if (environment !== PRODUCTION && database.withoutReplica !== undefined) {
    return [
      {
        path: ["database", "withoutReplica"],
        found: database.withoutReplica,
        allowed: `nothing outside ${PRODUCTION}: only it has to have a replica`,
      },
    ];
  }
  return database.replica !== undefined && database.withoutReplica !== undefined
    ? [
        {
          path: ["database", "withoutReplica"],
          found: database.withoutReplica,
          allowed: "nothing while database.replica is there",
        },
      ]
    : [];
}

/** Error reports leave in every region: by their way nobody may reach a partner, or the environment itself. */
export function errorReportRules({ edge, gateway }: StackConfig): Problem[] {
  const host = gateway.errorReports?.toLowerCase();
  if (host === undefined) return [];
  const partner = partnerOf(host);
  const isOwn = [edge.apiHostName, edge.dashboardHostName].some((own) => own.toLowerCase() === host);
  const found = { path: ["gateway", "errorReports"], found: gateway.errorReports };
  if (partner)
    return [
      {
        ...found,
        allowed: `no host of ${partner.name}: its calls are let through only where a region serves`,
      },
    ];
  return isOwn
    ? [{ ...found, allowed: "another host than those of edge: reports leave the environment" }]
    : [];
}

/** A partner is tried again when calls that failed have ended, not while they still wait for it. */
export function gatewayRules({ gateway: { ejectionSeconds, timeoutSeconds } }: StackConfig): Problem[] {
  return ejectionSeconds >= timeoutSeconds
    ? []
    : [
        {
          path: ["gateway", "ejectionSeconds"],
          found: ejectionSeconds,
          allowed: `at least timeoutSeconds (${timeoutSeconds}), for which the calls before still wait`,
        },
      ];
}

/** Two sites of one environment are told apart by their names. */
export function edgeRules({ edge }: StackConfig): Problem[] {
  if (edge.webhookRateLimitPerMinute < edge.rateLimitPerMinute) {
    return [
      {
        path: ["edge", "webhookRateLimitPerMinute"],
        found: edge.webhookRateLimitPerMinute,
        allowed: `at least rateLimitPerMinute (${edge.rateLimitPerMinute}): partners send from few shared addresses`,
      },
    ];
  }
  return edge.apiHostName === edge.dashboardHostName
    ? [
        {
          path: ["edge", "dashboardHostName"],
          found: edge.dashboardHostName,
          allowed: "another name than edge.apiHostName: Front Door tells the two sites apart by it",
        },
      ]
    : [];
}
