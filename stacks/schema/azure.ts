import { z } from "zod";
import { SECRET_WORDS } from "../secretWords";
import { email, guid, matching, ownHostName, region, unique } from "./common";
import { isPlaceholder } from "./placeholders";

const COST_CENTER_LENGTH = 40;

export const environment = matching(
  /^(?=.{2,20}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
  "2-20 lower-case letters and digits, in words joined by a hyphen, starting with a letter",
).describe("Name of the environment, used in tags, labels and the runner's environment marker.");

export const shortName = matching(
  /^[a-z][a-z0-9]{1,3}$/,
  "2-4 lower-case letters or digits, starting with a letter",
).describe(
  "Short name of the environment, part of every Azure name. Changing it renames, and so replaces, everything; data-bearing resources refuse it.",
);

const suffix = matching(/^([a-z0-9]{2,5})?$/, "empty, or 2-5 lower-case letters or digits").default("");

export const nameSuffix = suffix.describe(
  "Ending of the globally unique names of what a rebuild makes anew (servers, vaults). A deleted vault reserves its name for up to 90 days: give an environment that is rebuilt a new suffix. Changing it replaces the database.",
);

export const lastingNameSuffix = suffix.describe(
  "Ending of the globally unique names of what outlives a rebuild: backup accounts, the accounts that say who serves, Front Door's endpoint, what the environment is deployed from. Empty unless somebody else has the names. Changing it would replace the backups: Pulumi refuses.",
);

export const azure = z
  .strictObject({
    subscriptionId: guid.describe("Subscription of this environment alone; pinned on every provider."),
    tenantId: guid.describe("Microsoft Entra tenant."),
  })
  .describe("Where the environment lives.");

/** What a region is for; exactly one serves. */
export const REGION_ROLES = ["serving", "standby", "lost"] as const;

export type RegionRole = (typeof REGION_ROLES)[number];

const placed = (purpose: string) =>
  z.strictObject({
    location: region.describe(`${purpose} Changing it replaces everything there, data included.`),
    role: z
      .enum(REGION_ROLES)
      .describe(
        "What the region is for. serving: its workloads run, its server accepts writes; exactly one region. standby: everything is there, at zero. lost: it does not answer; what it has stays declared, nothing runs in its cluster, and no other value of the region is changed before it has answered again. Changing roles promotes nothing: it states what a failover did (docs/runbooks/region-loss.md).",
      ),
  });

export const regions = z
  .strictObject({
    primary: placed("Azure region in which the platform was first built.").describe("The first region."),
    secondary: placed(
      "Azure region that can take over: cluster, replica, vault and network of its own. Must be Azure's pair of the primary when database.geoRedundantBackup is set. The second backup account stands there, too.",
    )
      .optional()
      .describe("The second region. Absent: one region only, whose loss is a rebuild."),
  })
  .describe("Regions of the environment and what each is for.");

export const domains = unique(ownHostName, String)
  .min(1, "at least one domain, or no name could be told from a stranger's")
  .max(10)
  .describe(
    "Domains the company has bought, e.g. forma3d.com, or a part of a service's that is the company's alone. Public hosts, mailboxes and the pages of the runbooks lie in them: a name of a stranger's, or one letter beside the own, is refused.",
  );

export const tags = z
  .strictObject({
    owner: email.describe("Team mailbox that answers for the environment."),
    costCenter: matching(
      /^[A-Za-z0-9]+([ ._-][A-Za-z0-9]+)*$/,
      "1-40 letters and digits, in words joined by a space, dot, hyphen or underscore",
    )
      .max(COST_CENTER_LENGTH, `at most ${COST_CENTER_LENGTH} characters`)
      .refine(
        (value) => !SECRET_WORDS.test(value),
        "the name of a cost centre; tags are read by everyone, so no secret",
      )
      .refine((value) => !isPlaceholder(value), "the name of a cost centre: this one keeps its place")
      .describe("Cost centre that is billed."),
    dataClassification: z
      .enum(["confidential", "internal"])
      .describe("Highest class of data the environment holds."),
  })
  .describe("Tags put on every Azure resource beside product, environment and managedBy.");
