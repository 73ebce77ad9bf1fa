import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { compact } from "../duration";
import { messageOf } from "../frame/errors";
import { makeFolder } from "../frame/keeping";
import type { Surroundings } from "../frame/operate";
import type { Step } from "../frame/steps";
import type { Ground } from "../ground/types";
import type { Platform } from "../platform";
import type { Place } from "./places";

const ACTIVITY_API = "2015-04-01";
/** Days of the activity log that are kept: all that Azure has, which is 90, less the one that ends meanwhile. */
const ACTIVITY_DAYS = 89;

/**
 * Logs that vanish with their pods, and what was done in the subscription: kept as files with their digests, and in the
 * incident store. Databases' and vaults' own logs are in the workspace, which keeps them for 90 days. Each run of a containment
 * that is not whole keeps its own: whoever was killed half-way may have left half, and one incident may be contained twice.
 * @param whole whether the containment this is for is whole, and so its evidence kept
 */
export function keepEvidence(
  platform: Platform,
  ground: Ground,
  places: readonly Place[],
  incident: string,
  { folder, copy, say }: Pick<Surroundings, "folder" | "copy" | "say">,
  whole: () => Promise<boolean>,
): Step {
  const name = `evidence-${compact(ground.now())}`;
  const place = path.join(folder, `${incident}-${name}`);
  const list = path.join(place, "SHA256SUMS");
  const copied = async (file: string, text: string): Promise<void> =>
    copy
      ?.write(`${incident}/${name}/${file}`, text)
      .catch((error: unknown) =>
        say(`warning: ${file} could not be copied to ${copy.place}: ${messageOf(error)}`),
      );
  return {
    id: "evidence",
    title: `logs of every pod and ${ACTIVITY_DAYS} days of the activity log are kept in ${place}`,
    bound: 600,
    done: async () => fs.existsSync(list) || (await whole()) || "not kept yet",
    run: async () => {
      makeFolder(place);
      const since = new Date(ground.now().getTime() - ACTIVITY_DAYS * 86_400_000).toISOString();
      const activity = await ground.resources.list(
        `/subscriptions/${platform.subscriptionId}/providers/Microsoft.Insights/eventtypes/management/values`,
        ACTIVITY_API,
        { $filter: `eventTimestamp ge '${since}'` },
      );
      const files: [string, string][] = [["activity.json", JSON.stringify(activity, null, 2)]];
      for (const { region, cluster } of places)
        for (const [source, log] of Object.entries(await cluster.logs(platform.namespace)))
          files.push([`${region.cluster}-${source.replaceAll("/", "-")}.log`, log]);
      const sums: string[] = [];
      for (const [file, text] of files) {
        fs.writeFileSync(path.join(place, file), text, { mode: 0o600 });
        await copied(file, text);
        sums.push(`${createHash("sha256").update(text).digest("hex")}  ${file}`);
      }
      // Last: with it the evidence is whole.
      const text = `${sums.join("\n")}\n`;
      fs.writeFileSync(list, text, { mode: 0o600 });
      await copied("SHA256SUMS", text);
    },
  };
}
