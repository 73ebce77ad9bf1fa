import { z } from "zod";
import { email, guid, region, matching } from "./common";

const COST_CENTER_LENGTH = 40;
/** Words that stand beside a secret. */
const SECRET_WORDS = /passw|secret|token|credential|api.?key|private.?key/i;

export const environment = matching(
  /^[a-z][a-z0-9-]{1,19}$/,
  "2-20 lower-case letters, digits or hyphens, starting with a letter",
).describe("Name of the environment, used in tags, labels and the runner's environment marker.");

export const shortName = matching(
  /^[a-z][a-z0-9]{1,3}$/,
  "2-4 lower-case letters or digits, starting with a letter",
).describe(
  "Short name of the environment, part of every Azure name. Changing it renames, and so replaces, everything; data-bearing resources refuse it.",
);

export const nameSuffix = matching(/^([a-z0-9]{2,5})?$/, "empty, or 2-5 lower-case letters or digits")
  .default("")
  .describe(
    "Ending of globally unique names (server, vault, storage account). A deleted vault reserves its name for up to 90 days: give an environment that is rebuilt a new suffix. Changing it replaces the data.",
  );

export const azure = z
  .strictObject({
    subscriptionId: guid.describe("Subscription of this environment alone; pinned on every provider."),
    tenantId: guid.describe("Microsoft Entra tenant."),
  })
  .describe("Where the environment lives.");

export const regions = z
  .strictObject({
    primary: region.describe("Region that serves traffic. Changing it replaces everything, data included."),
    secondary: region
      .optional()
      .describe(
        "Region that holds replica, geo-copies, network and vault. Must be Azure's pair of the primary when backups are geo-redundant. Absent: one region only.",
      ),
    primaryActive: z
      .boolean()
      .default(true)
      .describe(
        "false while the primary region is lost: leaves out what runs in its cluster, so that an update does not wait for a cluster nobody can reach. Data, network and the cluster itself stay declared.",
      ),
    secondaryActive: z
      .boolean()
      .default(false)
      .describe(
        "Failover switch. true brings up cluster and workload in the secondary region; the data is always there. Costs a second cluster while it is on.",
      ),
    writer: z
      .enum(["primary", "secondary"])
      .default("primary")
      .describe(
        "Region whose database accepts writes. Set to secondary after the replica has been promoted: routes traffic to that region first. Does not promote anything itself.",
      ),
  })
  .describe("Regions of the environment.");

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
      .describe("Cost centre that is billed."),
    dataClassification: z
      .enum(["confidential", "internal"])
      .describe("Highest class of data the environment holds."),
  })
  .describe("Tags put on every Azure resource beside product, environment and managedBy.");
