import { z } from "zod";
import { guid, image, matching, region } from "./common";
import { isPlaceholder } from "./placeholders";

/** A number GitHub gave to something; what it writes in addresses is no larger than a number is exact. */
const githubId = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

const jobs = z
  .strictObject({
    image: image.describe(
      "Image of apps/runner; its workflow prints the reference. Public, because nothing signs in to pull it.",
    ),
    app: z
      .strictObject({
        id: githubId.describe("App ID of the GitHub App, on its settings page."),
        installationId: githubId.describe(
          "Number of its installation in the organization, the end of the installation's address.",
        ),
      })
      .describe(
        "GitHub App of the repository's organization that makes runners; its private key lies in the vault of the state, as the secret github-app.",
      ),
    group: githubId
      .default(1)
      .describe(
        "Number of the organization's runner group they join. 1 is GitHub's default group, which every private repository of the organization may use.",
      ),
  })
  .optional()
  .describe(
    "What takes the pipelines' jobs. Only when cluster.authorizedIpRanges has the runners' address: the vault of the key must answer it first.",
  );

const runners = z
  .strictObject({ jobs })
  .optional()
  .describe(
    "Runners of the environment's own in controlPlane.location, for deployments and for previews, each new for every job, behind one address. Without it the pipelines run on GitHub's larger runners, whose addresses stand in cluster.authorizedIpRanges.",
  );

export const controlPlane = z
  .strictObject({
    location: region.describe(
      "Region of Pulumi's state, its key and the pipelines' identities: with two regions another than the primary, so that a failover is not without them. It stays as it is once there is something, when that region is lost too (docs/workloads.md): account and vault are protected.",
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
    runners,
  })
  .describe("What the environment is deployed from; its own program, in the folder control/.");
