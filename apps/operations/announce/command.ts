import { InvalidArgumentError, type Command } from "commander";
import { COMPONENTS, INCIDENT_PHASES, type IncidentPhase } from "../../../infra/statusPage/incidents";
import { common, helpOf, runVerb, type CommonOptions } from "../commandLine";
import { announce, announcement } from ".";

interface AnnounceOptions extends CommonOptions {
  phase: IncidentPhase;
  service: string;
  hours?: number;
  postmortem?: string;
}

function hours(text: string): number {
  if (!/^\d{1,2}$/.test(text) || Number(text) < 1 || Number(text) > 72)
    throw new InvalidArgumentError("must be whole hours from 1 to 72.");
  return Number(text);
}

export function registerAnnounce(program: Command): void {
  common(program.command("announce"))
    .description("Tells customers on the status page that stands outside the cluster, in the report's words.")
    .requiredOption("--phase <phase>", `one of ${INCIDENT_PHASES.join(", ")}`)
    .requiredOption("--service <name>", `one of ${COMPONENTS.join(", ")}`)
    .option("--hours <n>", "estimated hours to resolution; needed once it is identified", hours)
    .option("--postmortem <url>", "address of the postmortem, once there is one")
    .addHelpText("after", helpOf("announce"))
    .action(
      async (stack: string, { phase, service, hours: left, postmortem, ...options }: AnnounceOptions) => {
        const said = announcement(
          { phase, service, ...(left !== undefined && { hours: left }), ...(postmortem && { postmortem }) },
          new Date(),
        );
        await runVerb(stack, options, [], ({ platform, ground }) => announce(platform, ground, said));
      },
    );
}
