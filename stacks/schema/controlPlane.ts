import { z } from "zod";
import { guid, matching, region } from "./common";
import { isPlaceholder } from "./placeholders";

export const controlPlane = z
  .strictObject({
    location: region.describe(
      "Region of Pulumi's state, its key and the pipelines' identities: with two regions another than the primary, so that a failover is not without them. Changing it makes new ones; docs/deploying.md says how the state moves.",
    ),
    copy: region.describe(
      "Region the state is copied to every day, under a key of its own; another than location.",
    ),
    repository: matching(
      /^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}\/(?!\.{1,2}$)(?!.*\.git$)[\w.-]{1,100}$/,
      "a GitHub repository as owner/name",
    )
      .refine(
        (name) => name !== "owner/name" && !isPlaceholder(name.split("/")[0] ?? ""),
        "the GitHub repository of this project as owner/name",
      )
      .describe("GitHub repository whose workflows act as the pipelines' identities."),
    deployObjectId: guid
      .optional()
      .describe(
        "Object id of the identity that deploys, the output principalIds.deploy of control/: it may then read where operations hold their lease. Without it the gate before an update cannot ask whether an operation is under way, and refuses.",
      ),
  })
  .describe("What the environment is deployed from; its own program, in the folder control/.");
