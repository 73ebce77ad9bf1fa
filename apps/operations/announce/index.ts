import { createHash } from "node:crypto";
import {
  COMPONENTS,
  INCIDENT_PHASES,
  LONGEST_ADDRESS,
  messageOf,
  misplaced,
  type Incident,
} from "../../../infra/statusPage/incidents";
import { isPublicUrl } from "../../../stacks/schema/common";
import { OUTSIDE_SECRET, outsideFile } from "../../../infra/statusPage/outsideFile";
import { branchOf } from "../frame/commit";
import { messageOf as errorOf, notRun, refused } from "../frame/errors";
import type { Plan, Verb } from "../frame/operate";
import { plainReport } from "../frame/report";
import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";

/** Version of the container app's management API. */
export const APP_API = "2025-07-01";

/** Tag of the app: which message it shows. */
const TAG = "forma3d-announcement";

/** One incident has a message for each of its phases; the same one typed again is the same, whenever that is. */
const messageTag = (incident: string, { title, body }: { title: string; body: string }): string =>
  `${incident}/${createHash("sha256").update(`${title}\n${body}`).digest("hex").slice(0, 12)}`;

export const appId = ({ subscriptionId, statusPage }: Platform): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${statusPage.resourceGroup}/providers/Microsoft.App/containerApps/${statusPage.app}`;

/** What is to be said. @throws OperationError that names what is wrong or missing */
export function announcement(given: Omit<Incident, "at">, at: Date): Incident {
  if (!INCIDENT_PHASES.includes(given.phase))
    throw refused(`--phase ${given.phase}: allowed: ${INCIDENT_PHASES.join(", ")}`);
  if (!COMPONENTS.includes(given.service))
    throw refused(`--service "${given.service}": allowed: ${COMPONENTS.join(", ")}`);
  const incident = { ...given, at: at.toISOString() };
  const { postmortem } = given;
  // What the stack file would refuse could not be merged, and the next update would take it off the page.
  for (const { key, found, allowed } of misplaced(incident))
    if (found !== undefined)
      throw refused(`--${key} ${found} with --phase ${given.phase}: allowed: ${allowed}`);
  if (postmortem !== undefined && !(isPublicUrl(postmortem) && postmortem.length <= LONGEST_ADDRESS))
    throw refused(
      `--postmortem ${JSON.stringify(postmortem)}: allowed: an https address everybody can open, of ${LONGEST_ADDRESS} characters at most`,
    );
  try {
    messageOf(incident);
  } catch (error) {
    throw refused(`${errorOf(error)}: give --${errorOf(error).split("missing ")[1] ?? "hours"}`);
  }
  return incident;
}

/** `announce`: the message stands on the page that survives the cluster, within the minute that page takes to start. */
export function announce(platform: Platform, ground: Ground, said: Incident): Verb {
  const { title, body } = messageOf(said);
  return {
    name: "announce",
    exclusive: platform.stack,
    // Telling customers waits for nobody.
    lease: "announce",
    async plan(incident): Promise<Plan> {
      const app = await ground.resources.get(appId(platform), APP_API).catch((error: unknown) => {
        throw notRun(`the page cannot be asked: ${errorOf(error)}`, error);
      });
      if (!app) throw refused(`there is no page ${platform.statusPage.app}`);
      const host = hostOf(app.properties);
      if (!host) throw notRun(`the page ${platform.statusPage.app} has no public name`);
      return {
        subject: platform.stack,
        facts: [`announce on https://${host}:`, `  ${title}`, `  ${body}`],
        steps: [publish(platform, ground, said, incident), shown(ground, host, title)],
        document: { stack: platform.stack, host, title, body },
      };
    },
    report: (finished) =>
      plainReport(platform, finished, {
        title: "Announce",
        outcome: `customers read: ${title}`,
        notes: ["the page in the cluster says it after the update"],
        commit: {
          stack: platform.stack,
          changes: [{ path: "statusPage.incidents", how: "first", value: said }],
          branch: branchOf("announce", finished),
          subject: `chore(${platform.stack}): announce (${finished.incident})`,
        },
      }),
  };
}

function hostOf(properties: Record<string, unknown> | undefined): string | undefined {
  const { configuration } = (properties ?? {}) as { configuration?: { ingress?: { fqdn?: string } } };
  return configuration?.ingress?.fqdn;
}

function publish(platform: Platform, ground: Ground, said: Incident, incident: string): Step {
  const { page } = platform.statusPage;
  // A new suffix makes a new revision: a changed secret alone is not read by the one that runs.
  const suffix = `m${Date.parse(said.at).toString(36)}`;
  const tag = messageTag(incident, messageOf(said));
  return {
    id: "page",
    title: "the page's configuration has the message, and a new revision of it starts",
    bound: 300,
    undo: "announce the next phase",
    done: async () => {
      const app = (await ground.resources.get(appId(platform), APP_API)) as
        { tags?: Record<string, string> } | undefined;
      return app?.tags?.[TAG] === tag || "the page does not have it";
    },
    run: async (signal) => {
      const incidents = [said, ...page.incidents];
      const change = {
        tags: { ...(await tagsOf(platform, ground)), [TAG]: tag },
        properties: {
          configuration: { secrets: [{ name: OUTSIDE_SECRET, value: outsideFile({ ...page, incidents }) }] },
          template: { revisionSuffix: suffix },
        },
      };
      await ground.resources.patch(appId(platform), APP_API, change, signal);
    },
  };
}

async function tagsOf(platform: Platform, ground: Ground): Promise<Record<string, string>> {
  const app = await ground.resources.get(appId(platform), APP_API);
  return (app as { tags?: Record<string, string> } | undefined)?.tags ?? {};
}

/** Asked of the page itself, as a visitor's browser does. */
function shown(ground: Ground, host: string, title: string): Step {
  return {
    id: "shown",
    title: "the page shows it",
    bound: 300,
    undo: "announce the next phase",
    done: async () => {
      const document = (await ground.document(`https://${host}/api/v1/config`)) as {
        announcements?: { message?: string }[];
      };
      const found = document.announcements?.some(({ message }) => message?.includes(title));
      return found === true || `https://${host} does not show it yet`;
    },
    run: () => Promise.resolve(),
  };
}
